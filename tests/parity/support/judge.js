// The protocol of the oracle (`tests/src/bin/verdict.rs`), answered by the npm package: wherever it runs.

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));

/**
 * Answers one question: {secrets, signatures, body, limit?} with secrets and body in hex; for Standard Webhooks with
 * {id, timestamp, signature, now, tolerance?} instead of signatures; or {statuses}.
 * @param {typeof import("vtryon-webhooks")} api
 */
export function judge(api, question) {
  const { secrets, signatures, body, limit, statuses, id, timestamp, signature } = question;
  if (statuses !== undefined) {
    const steps = statuses.map((status, at) => api.lifecycleStep(statuses.slice(0, at), status));
    return { outcomes: steps.map((step) => step.outcome), status: steps.at(-1)?.status ?? null };
  }
  const answer = {};
  try {
    const isMessage = id !== undefined;
    const message = {
      scheme: "standard-webhooks",
      toleranceSeconds: question.tolerance,
      now: () => question.now,
    };
    const headers = {
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": signature,
    };
    const options = { maxBodyBytes: limit, ...(isMessage && message) };
    const webhooks = new api.VtryonWebhooks(secrets.map(bytesOf), options);
    const proof = isMessage ? headers : signatures;
    const { secretIndex, fingerprint, webhookId } = webhooks.verify(bytesOf(body), proof);
    Object.assign(answer, { secret_index: secretIndex, fingerprint });
    if (isMessage) answer.message_id = webhookId;
    const { data, error, webhook_id, ...event } = webhooks.constructEvent(bytesOf(body), proof);
    answer.event = { ...event, data: JSON.stringify(data), error: JSON.stringify(error) };
  } catch (fault) {
    if (!api.WebhookError.is(fault)) throw fault;
    Object.assign(answer, {
      code: fault.code,
      field: fault.field ?? null,
      offset: fault.offset ?? null,
      message: fault.message,
      hint: fault.hint,
    });
  }
  return answer;
}
