//! Endpoints that shards report: disabled where the report stands.

use super::Next;
use super::changes::commit;
use crate::Context;
use crate::directory::requests::step::Step;
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
    if !endpoints::needs_healths(&unhealthy.reason) {
        return disable_by(directory, context, unhealthy, &[]);
    }
    let question = ShardRequest::Health { endpoint: unhealthy.endpoint };
    let judge = move |directory: &mut Directory, context: &Context<'_>, answers: Vec<String>| {
        let healths: Vec<_> = answers.iter().filter_map(|answer| json::read(answer).ok()).collect();
        disable_by(directory, context, unhealthy, &healths)
    };
    Ok(Step::AskShards { question, then: Box::new(judge) })
}

fn disable_by(
    directory: &mut Directory,
    context: &Context<'_>,
    unhealthy: UnhealthyEndpoint,
    healths: &[EndpointHealth],
) -> Next {
    let Some(record) = endpoints::disable(context, &unhealthy, healths)? else {
        return Step::answer(200, &());
    };
    commit(
        directory,
        context,
        record,
        |record| SettingsChange::Put(record),
        None,
        move |directory, _, record, _| {
            let (endpoint, reason) = (endpoint_id(record.endpoint.no), unhealthy.reason);
            directory.log.push(Decision::EndpointDisabled { endpoint, reason });
            Step::answer(200, &())
        },
    )
}
