// Choices of a form: one of several values of a field, or any number of them.

import { html } from "htm/preact";

/** A value that a field may have; `name` is shared by the values of the field. */
export function RadioChoice({ name, field, value, label, about, fields, set }) {
  return html`
    <label class="choice">
      <input
        type="radio"
        name=${name}
        checked=${fields[field] === value}
        onChange=${() => set({ [field]: value })}
      />
      <span>${label} <small>${about}</small></span>
    </label>
  `;
}

/** A value that the list of a field may have. */
export function CheckChoice({ field, value, label, about, fields, set }) {
  const chosen = fields[field];
  const toggle = (event) => {
    const others = chosen.filter((other) => other !== value);
    set({ [field]: event.target.checked ? [...others, value] : others });
  };
  return html`
    <label class="choice">
      <input type="checkbox" checked=${chosen.includes(value)} onChange=${toggle} />
      <span>${label} ${about && html`<small>${about}</small>`}</span>
    </label>
  `;
}
