// What an answer says, in the words of the vectors.

/** An event with what is absent as null, and values instead of their texts, as far as JSON can tell them. */
export function eventOf(event) {
  const { data, error, status = null, result_url = null, error_message = null, ...rest } = event;
  const value = (text) => JSON.parse(JSON.stringify(JSON.parse(text ?? null)));
  return { ...rest, status, result_url, error_message, data: value(data), error: value(error) };
}

/** What an answer says to the question; a body that is only verified may say anything. */
export function told(verb, answer) {
  if (verb === "step") return { ...answer, code: answer.outcomes.at(-1) };
  if (verb === "verify" && answer.secret_index !== undefined) return { ...answer, code: "ok" };
  if (answer.event === undefined) return answer;
  return { ...answer, code: "ok", event: eventOf(answer.event) };
}
