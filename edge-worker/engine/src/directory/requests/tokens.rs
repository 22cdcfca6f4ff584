//! Tokens: new ones, and those that are presented.

use super::changes::{check_topology, schedule_after_change};
use super::{By, Next};
use crate::Context;
use crate::credentials::token::NewToken;
use crate::directory::requests::step::Step;
use crate::directory::topology::Purpose;
use crate::directory::{Directory, tokens};

/// Makes a token. The answer shows it this once.
pub(super) fn create(body: String, by: By) -> Next {
    let store = move |directory: &mut Directory, context: &Context<'_>, new: NewToken| {
        let draft = tokens::draft(context, &body, &new)?;
        check_topology(directory, context, Purpose::Change, move |directory, context| {
            let created = tokens::create(context, &draft, by.as_ref())?;
            schedule_after_change(directory, context);
            Step::answer(201, &created)
        })
    };
    Ok(Step::MakeToken { then: Box::new(store) })
}

/// Answers with a token that is presented, and notes its use. A fault is no reason to refuse it: whoever operates a gateway
/// whose storage is full has to get in.
pub(super) fn find(directory: &mut Directory, context: &Context<'_>, id: &str) -> Next {
    let found = tokens::find(context, id)?;
    if found.is_some()
        && let Err(fault) = tokens::note_use(context, id)
    {
        directory.log.fault(Some(format!("the use of a token is not noted: {fault}").into()));
    }
    Step::answer(200, &found)
}
