// The protocol of the oracle (`tests/src/bin/verdict.rs`), answered by the npm package: wherever it runs.

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));

/**
 * Answers one question: {secrets, signatures, body, limit?} with secrets and body in hex, or {statuses}.
 * @param {typeof import("vtryon-webhooks")} api
 */
export function judge(api, { secrets, signatures, body, limit, statuses }) {
  if (statuses !== undefined) {
    const steps = statuses.map((status, at) => api.lifecycleStep(statuses.slice(0, at), status));
    return { outcomes: steps.map((step) => step.outcome), status: steps.at(-1)?.status ?? null };
  }
  const answer = {};
  try {
    const webhooks = new api.VtryonWebhooks(secrets.map(bytesOf), { maxBodyBytes: limit });
    const { secretIndex, fingerprint } = webhooks.verify(bytesOf(body), signatures);
    Object.assign(answer, { key_index: secretIndex, fingerprint });
    const { data, error, ...event } = webhooks.constructEvent(bytesOf(body), signatures);
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
