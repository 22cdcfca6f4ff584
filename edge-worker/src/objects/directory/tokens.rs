//! Requests about tokens, which are made here, and about the audit trail.

use vtryon_gateway_engine::directory::topology::Purpose;
use vtryon_gateway_engine::directory::{audit, tokens};
use vtryon_gateway_engine::protocol::AuditedRequest;
use worker::Response;

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::{clock, crypto};

impl Directory {
    /// Makes a token. The answer shows it this once.
    pub(super) async fn create_token(
        &self,
        config: &Config,
        body: &str,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let new = config.admin.token_form.issue(crypto::random()?, &*crypto::random_key()?);
        let draft = self.with_context(config, clock::now(), |context| tokens::draft(context, body, &new))?;
        self.check_topology(config, Purpose::Change).await?;
        let created =
            self.with_context(config, clock::now(), |context| tokens::create(context, draft, audited))?;
        self.schedule_alarm_after_change();
        response::json(201, &created)
    }

    pub(super) fn tokens(&self, config: &Config) -> Result<Response, ApiError> {
        response::json(200, &self.with_context(config, clock::now(), tokens::list)?)
    }

    pub(super) fn revoke_token(
        &self,
        config: &Config,
        id: &str,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        response::json(
            200,
            &self.with_context(config, clock::now(), |context| tokens::revoke(context, id, audited))?,
        )
    }

    /// Looks up a token that is presented, for an isolate.
    pub(super) fn find_token(&self, config: &Config, id: &str) -> Result<Response, ApiError> {
        response::json(200, &self.with_context(config, clock::now(), |context| tokens::find(context, id))?)
    }

    pub(super) fn audit(
        &self,
        config: &Config,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Response, ApiError> {
        response::json(
            200,
            &self.with_context(config, clock::now(), |context| audit::page(context.db, cursor, limit))?,
        )
    }

    /// Records a change that is about to be made in a shard.
    pub(super) fn record_change(
        &self,
        config: &Config,
        target: &str,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        self.with_context(config, clock::now(), |context| audit::record(context, audited, target))?;
        response::json(200, &())
    }
    pub(super) fn record_import(
        &self,
        config: &Config,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        self.with_context(config, clock::now(), |context| audit::record_import(context, audited))?;
        response::json(200, &())
    }
}
