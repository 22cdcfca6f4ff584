//! Requests, and runs of the alarm, from the beginning to the answer: which steps they take, and in which order.

mod alarm;
mod changes;
mod conditions;
mod endpoints;
mod ranges;
mod refused;
pub(crate) mod step;
mod tokens;

pub(super) use self::alarm::run as run_alarm;
use self::changes::check_topology;
use self::step::Step;
use super::endpoints::find_of_kind;
use super::topology::Purpose;
use super::{Directory, alerts, audit, rejections, secrets, tokens as stored_tokens};
use crate::protocol::{AuditedRequest, DirectoryCall, DirectoryRequest};
use crate::{Context, Error, Failure};

type Next = Result<Step, Failure>;

/// The request of the API that asks for a change; none where a shard does.
type By = Option<AuditedRequest>;

/// Begins to answer a request.
pub(super) fn begin(directory: &mut Directory, context: &Context<'_>, call: DirectoryCall) -> Next {
    prepare(directory, context, |directory, context| answer(directory, context, call))
}

fn answer(
    directory: &mut Directory,
    context: &Context<'_>,
    DirectoryCall { request, audited }: DirectoryCall,
) -> Next {
    let db = context.db;
    // What the requester takes for the number of an endpoint may be that of an alert destination, or the other way round.
    let known = |kind, no| find_of_kind(db, kind, no).map(|record| record.endpoint.no);
    let by = audited.as_ref();
    match request {
        DirectoryRequest::Create { kind, input } => {
            endpoints::create(directory, context, kind, input, audited)
        }
        DirectoryRequest::List { kind } => endpoints::list(context, kind),
        DirectoryRequest::Get { kind, endpoint } => endpoints::get(context, known(kind, endpoint)?),
        DirectoryRequest::Change { kind, endpoint, change } => {
            endpoints::change(directory, context, known(kind, endpoint)?, change, audited)
        }
        DirectoryRequest::Delete { kind, endpoint } => {
            endpoints::delete(directory, context, known(kind, endpoint)?, audited)
        }
        DirectoryRequest::Rotate { kind, endpoint, input } => {
            endpoints::rotate(context, known(kind, endpoint)?, &input, audited)
        }
        DirectoryRequest::Retire { kind, endpoint } => {
            endpoints::retire(directory, context, known(kind, endpoint)?, audited)
        }
        DirectoryRequest::ReportConditions(report) => {
            alerts::report(context, &report)?;
            schedule_alarm(directory, context)?;
            Step::answer(200, &())
        }
        DirectoryRequest::ReportUnhealthy(unhealthy) => conditions::disable(directory, context, unhealthy),
        DirectoryRequest::Replay { input, key } => ranges::replay(input, key, audited),
        DirectoryRequest::Progress { id } => ranges::progress(context, &id),
        DirectoryRequest::CancelReplay { id } => ranges::cancel(directory, context, id, audited),
        DirectoryRequest::ReportRejections { rejections } => refused::report(directory, context, rejections),
        DirectoryRequest::Rejections => refused::list(context),
        DirectoryRequest::RejectionTotals => Step::answer(200, &rejections::totals(db)?),
        DirectoryRequest::Secrets => Step::answer(200, &secrets::list(context)?),
        DirectoryRequest::PurgeSecret { fingerprint } => {
            Step::answer(200, &secrets::purge(context, &fingerprint, by)?)
        }
        DirectoryRequest::CreateToken { input } => tokens::create(input, audited),
        DirectoryRequest::Tokens => Step::answer(200, &stored_tokens::list(context)?),
        DirectoryRequest::RevokeToken { id } => Step::answer(200, &stored_tokens::revoke(context, &id, by)?),
        DirectoryRequest::FindToken { id } => tokens::find(directory, context, &id),
        DirectoryRequest::Audit { cursor, limit } => {
            Step::answer(200, &audit::page(db, cursor.as_deref(), limit)?)
        }
        DirectoryRequest::RecordChange { target } => {
            audit::record(context, by, &target)?;
            Step::answer(200, &())
        }
        DirectoryRequest::RecordImport => {
            audit::record_import(context, by)?;
            Step::answer(200, &())
        }
        // Removes what has expired, looks for causes of alerts and for settings that differ, and sets the alarm where it is
        // wanted.
        DirectoryRequest::Sweep(report) => {
            rejections::expire(db, context.now)?;
            stored_tokens::expire(db, context.now)?;
            audit::expire(context)?;
            alerts::sweep(context, report)?;
            changes::compare_with_shards(directory, context, &report)?;
            schedule_alarm(directory, context)?;
            Step::answer(200, &())
        }
    }
}

/// Does what comes before every request: compares the number of shards and the placement, and remembers Vtryon's secrets.
fn prepare(
    directory: &mut Directory,
    context: &Context<'_>,
    then: impl FnOnce(&mut Directory, &Context<'_>) -> Next + 'static,
) -> Next {
    check_topology(directory, context, Purpose::Any, move |directory, context| {
        if !directory.secrets_are_due(context.now) {
            return then(directory, context);
        }
        // A fault is no reason to leave anything else undone.
        let secrets = match secrets::to_seal(context) {
            Ok(secrets) => secrets,
            Err(fault) => {
                directory.log.fault(Some(not_remembered(&fault)));
                return then(directory, context);
            }
        };
        let remember = move |directory: &mut Directory, context: &Context<'_>, sealed: Option<Vec<_>>| {
            let Some(sealed) = sealed else { return then(directory, context) };
            match secrets::remember_all(context, &sealed) {
                Ok(()) => directory.note_secrets(context.now),
                Err(fault) => directory.log.fault(Some(not_remembered(&fault))),
            }
            then(directory, context)
        };
        Ok(Step::SealConfigured { secrets, then: Box::new(remember) })
    })
}

fn not_remembered(fault: &Error) -> Error {
    format!("the webhook secrets are not remembered: {fault}").into()
}

/// Sets the alarm for whatever is due first, unless it is set for an earlier time.
fn schedule_alarm(directory: &mut Directory, context: &Context<'_>) -> crate::Result<()> {
    directory.set_alarm(context.db, context.now, context.deployment.clock_scale)
}
