//! Refused webhooks: reported by isolates, and shown with the mistake that the secrets in clear reveal.

use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::diagnosis::SecretKind;
use zeroize::Zeroizing;

use super::{Next, schedule_alarm};
use crate::Context;
use crate::directory::requests::step::{Step, VtryonSecrets};
use crate::directory::secrets::keyring::Keyring;
use crate::directory::{Directory, rejections, secrets};
use crate::protocol::directory::rejection::Rejection;

/// Adds what an isolate has counted.
pub(super) fn report(directory: &mut Directory, context: &Context<'_>, reported: Vec<Rejection>) -> Next {
    if !directory.begin_diagnosis(&reported, context.now) {
        return add(directory, context, &reported, None);
    }
    gather_secrets(context, move |directory, context, keyring| {
        add(directory, context, &reported, Some(&keyring))
    })
}

fn add(
    directory: &mut Directory,
    context: &Context<'_>,
    reported: &[Rejection],
    keyring: Option<&Keyring>,
) -> Next {
    let candidates = keyring.map(Keyring::candidates);
    rejections::add(context, reported, candidates.as_deref())?;
    schedule_alarm(directory, context)?;
    Step::answer(200, &())
}

/// Answers with the causes of rejections.
pub(super) fn list(context: &Context<'_>) -> Next {
    rejections::expire(context.db, context.now)?;
    let causes = rejections::all(context.db)?;
    if !rejections::are_diagnosable(&causes) {
        return Step::answer(200, &rejections::list(&causes, &Keyring::default()));
    }
    gather_secrets(context, move |_, _, keyring| Step::answer(200, &rejections::list(&causes, &keyring)))
}

/// Gathers the likeliest secrets, before the rest: Vtryon's, those that were Vtryon's, then the endpoints'.
fn gather_secrets(
    context: &Context<'_>,
    then: impl FnOnce(&mut Directory, &Context<'_>, Keyring) -> Next + 'static,
) -> Next {
    let add_endpoints = move |_: &mut Directory, context: &Context<'_>, opened: VtryonSecrets| {
        let mut keyring = Keyring::new(opened.configured.into_iter());
        for secret in opened.former {
            keyring.add(SecretKind::Retired, secret);
        }
        let secrets = keyring.of_endpoints(context.db)?;
        let go_on = move |directory: &mut Directory, context: &Context<'_>, opened: Vec<Option<_>>| {
            for secret in opened {
                let text = |secret: EndpointSecret| Zeroizing::new(secret.reveal().as_bytes().to_vec());
                keyring.add(SecretKind::Endpoint, secret.map(text));
            }
            then(directory, context, keyring)
        };
        Ok(Step::OpenEndpointSecrets { secrets, then: Box::new(go_on) })
    };
    Ok(Step::OpenVtryonSecrets { former: secrets::retired(context)?, then: Box::new(add_endpoints) })
}
