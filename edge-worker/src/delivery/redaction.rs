//! In which forms an endpoint's answer may repeat what it was sent and is secret.

use base64ct::{Base64, Encoding};
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::endpoint::origin;
use zeroize::Zeroizing;

/// The shortest part of a URL that may be a credential: shorter ones are words such as `hooks`.
const MIN_URL_PART: usize = 8;

/// Returns what must not be stored of an answer, the longest first: one may be a part of another.
pub(super) fn secrets<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Zeroizing<String>> {
    let mut secrets: Vec<_> = values.flat_map(forms).flat_map(encodings).map(Zeroizing::new).collect();
    secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.as_str().cmp(other)));
    secrets.dedup();
    secrets
}

/// Returns what of a URL may be a credential, as all of it is in one of Slack: what follows its origin, its path alone, and
/// the parts of both.
pub(super) fn url_credentials(url: &str) -> impl Iterator<Item = &str> {
    let target = origin(url).and_then(|origin| url.strip_prefix(origin)).unwrap_or_default();
    let path = target.split('?').next();
    let parts = target.split(['/', '?', '&', '=']).filter(|part| part.len() >= MIN_URL_PART);
    std::iter::once(target).chain(path).chain(parts)
}

/// Returns a text as it is, and as pages of errors show it: in JSON, also with `\/` as PHP and `\u002B` as .NET write it,
/// and in HTML.
fn encodings(text: String) -> [String; 5] {
    let quoted = json::to_string(&text);
    let in_json = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
    let in_php = in_json.replace('/', r"\/");
    let in_dotnet = in_json.replace('+', r"\u002B");
    let in_html = text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    [text, in_json, in_php, in_dotnet, in_html]
}

/// Returns the forms of one value: all of it, what follows its scheme where it has one, and for Basic (RFC 7617) the
/// decoded pair and the password.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    let Some((scheme, credentials)) = value.split_once(' ') else { return forms };
    forms.push(credentials.to_owned());
    if scheme.eq_ignore_ascii_case("basic")
        && let Some(pair) = decoded(credentials)
    {
        forms.extend(pair.split_once(':').map(|(_, password)| password.to_owned()));
        forms.push(pair);
    }
    forms
}

fn decoded(credentials: &str) -> Option<String> {
    Base64::decode_vec(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_what_follows_the_origin_is_looked_for_and_its_long_parts() {
        for (url, expected) in [
            ("https://ops.example", &["", ""][..]),
            ("https://ops.example/", &["/", "/"]),
            ("https://ops.example/hooks/9f8e7d6c", &["/hooks/9f8e7d6c", "/hooks/9f8e7d6c", "9f8e7d6c"]),
            ("https://ops.example:8443?key=9f8e7d6c", &["?key=9f8e7d6c", "", "9f8e7d6c"]),
            (
                "https://ops.example/a/9f8e7d6c?b=1&key=0a1b2c3d",
                &["/a/9f8e7d6c?b=1&key=0a1b2c3d", "/a/9f8e7d6c", "9f8e7d6c", "0a1b2c3d"],
            ),
        ] {
            assert_eq!(url_credentials(url).collect::<Vec<_>>(), expected, "{url}");
        }
    }

    #[test]
    fn values_are_looked_for_in_each_form_the_longest_first() {
        for (values, expected, why) in [
            (&["key"][..], &["key"][..], "a value without a blank is one"),
            (&["live_9f8e7d6c v2"], &["live_9f8e7d6c v2", "v2"], "a blank ends no value"),
            (&["Bearer token"], &["Bearer token", "token"], "the scheme may be left out"),
            (
                &["Basic c2hvcDpvcGVuIHNlc2FtZQ=="],
                &[
                    "Basic c2hvcDpvcGVuIHNlc2FtZQ==",
                    "c2hvcDpvcGVuIHNlc2FtZQ==",
                    "shop:open sesame",
                    "open sesame",
                ],
                "a pair may be decoded",
            ),
            (&["a/b"], &[r"a\/b", "a/b"], "JSON may escape a slash"),
            (&["v1,a+b"], &[r"v1,a\u002Bb", "v1,a+b"], "and a plus"),
            (
                &[r#"say "<&""#],
                &[
                    "say &quot;&lt;&amp;&quot;",
                    "&quot;&lt;&amp;&quot;",
                    r#"say \"<&\""#,
                    r#"say "<&""#,
                    r#"\"<&\""#,
                    r#""<&""#,
                ],
                "JSON and HTML escape quotes, and HTML more",
            ),
            (&["basic !"], &["basic !", "!"], "what is no base64 stays"),
            (&["Basic c2hvcA=="], &["Basic c2hvcA==", "c2hvcA==", "shop"], "a pair without a colon"),
            (&["key", "key-2"], &["key-2", "key"], "one that is the beginning of another comes after it"),
        ] {
            let found = secrets(values.iter().copied());
            assert_eq!(found.iter().map(|secret| secret.as_str()).collect::<Vec<_>>(), expected, "{why}");
        }
    }
}
