//! Endpoints that shards report: disabled where the report stands.

use super::Next;
use super::changes::commit;
use crate::Context;
use crate::directory::requests::step::{ShardAnswers, Step};
use crate::directory::settings::SettingsChange;
use crate::directory::{Directory, endpoints};
use crate::log::Decision;
use crate::protocol::directory::conditions::UnhealthyEndpoint;
use crate::protocol::settings::endpoint_id;
use crate::protocol::{EndpointHealth, ShardRequest};
use crate::text::json;

/// Begins to disable an endpoint. Where its health in all shards matters, they are asked for it first.
pub(super) fn disable(
    directory: &mut Directory,
    context: &Context<'_>,
    unhealthy: UnhealthyEndpoint,
) -> Next {
    if !endpoints::needs_healths(context, &unhealthy)? {
        return disable_by(directory, context, unhealthy, Vec::new());
    }
    let question = ShardRequest::Health { endpoint: unhealthy.endpoint };
    let judge = move |directory: &mut Directory, context: &Context<'_>, answers: ShardAnswers| {
        let healths = answers?.iter().filter_map(|answer| json::read(answer).ok()).collect();
        disable_by(directory, context, unhealthy, healths)
    };
    Ok(Step::AskShards { question, then: Box::new(judge) })
}

fn disable_by(
    directory: &mut Directory,
    context: &Context<'_>,
    unhealthy: UnhealthyEndpoint,
    healths: Vec<EndpointHealth>,
) -> Next {
    let reason = unhealthy.reason.clone();
    commit(
        directory,
        context,
        move |context| endpoints::disable(context, &unhealthy, &healths),
        |record| record.as_ref().map(SettingsChange::Put),
        None,
        move |directory, _, record, _| {
            if let Some(record) = record {
                let endpoint = endpoint_id(record.endpoint.no);
                directory.log.note(Decision::EndpointDisabled { endpoint, reason });
            }
            Step::answer(200, &())
        },
    )
}
