//! `ACCESS_SCOPES`: which scope people have whom Cloudflare Access has let in.

use super::claims::Identity;
use super::scope::Scope;

/// What matches everybody.
const EVERYBODY: &str = "*";

/// The rules in their order. Of several that match, the first one counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ScopeRules(Vec<(String, Scope)>);

impl ScopeRules {
    /// Reads `<e-mail, group or *>=<scope>` with commas between them; nothing where one of them is not of this form.
    pub fn parse(text: &str) -> Option<Self> {
        let rule = |rule: &str| {
            let (name, scope) = rule.split_once('=')?;
            let name = name.trim_ascii();
            let scope = Scope::from_name(scope.trim_ascii())?;
            (!name.is_empty()).then(|| (name.to_ascii_lowercase(), scope))
        };
        text.split(',').map(rule).collect::<Option<_>>().map(Self)
    }

    /// Returns the scope of somebody; `None` where no rule matches. Without rules, Access lets in administrators.
    pub fn scope_of(&self, identity: &Identity) -> Option<Scope> {
        if self.0.is_empty() {
            return Some(Scope::Admin);
        }
        let is_of = |name: &str| {
            let names = std::iter::once(&identity.name).chain(&identity.groups);
            name == EVERYBODY || names.map(|own| own.to_ascii_lowercase()).any(|own| own == name)
        };
        self.0.iter().find(|(name, _)| is_of(name)).map(|(_, scope)| *scope)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;
    use vtryon_webhooks::Millis;

    #[test]
    fn the_first_rule_that_matches_counts() {
        let identity = Identity {
            name: "Ann@acme.example".to_owned(),
            groups: vec!["Support".to_owned()],
            expires_at: Millis(0),
        };
        let rows = [
            ("ann@acme.example=read", Some("read")),
            ("ANN@acme.example = replay", Some("replay")),
            ("support=replay, ann@acme.example=admin", Some("replay")),
            ("ann@acme.example=admin,support=replay", Some("admin")),
            ("*=read,support=admin", Some("read")),
            ("bob@acme.example=admin,*=listen", Some("listen")),
            ("bob@acme.example=admin", None),
            ("acme.example=admin", None),
        ];
        for (rules, scope) in rows {
            let found = ScopeRules::parse(rules).unwrap().scope_of(&identity);
            assert_eq!(found.map(Scope::as_str), scope, "{rules}");
        }
        assert_eq!(ScopeRules::default().scope_of(&identity), Some(Scope::Admin), "as without the variable");
    }

    #[test]
    fn a_rule_is_a_name_and_a_scope() {
        for text in [
            "",
            "ann",
            "ann=",
            "=read",
            "ann=root",
            "ann=read,",
            ",ann=read",
            "ann=read;bob=read",
            "ann:read",
        ] {
            assert_eq!(ScopeRules::parse(text), None, "{text:?}");
        }
    }
}
