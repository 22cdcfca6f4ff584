// Texts that are there to be copied.

import { html } from "htm/preact";
import { useEffect, useId, useState } from "preact/hooks";
import { announce } from "./status/announce.js";

/** `label` names what is copied, for those who don't see what stands beside the button; `verb` is what all see. */
export function CopyButton({ text, label, verb = "Copy" }) {
  const [result, setResult] = useState();
  useEffect(() => {
    const timer = setTimeout(() => setResult(undefined), 2000);
    return () => clearTimeout(timer);
  }, [result]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setResult("Copied");
      announce(`${label} copied`);
    } catch {
      setResult("Not allowed");
      announce("The browser did not allow copying: select the text and copy it");
    }
  };
  return html`<button type="button" aria-label=${`Copy ${label}`} onClick=${copy}>${result ?? verb}</button>`;
}

/** A text with its label and a button that copies it. */
export function CopyField({ label, name, text }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <div class="joined">
        <input id=${id} class="code" readonly value=${text} onFocus=${(event) => event.target.select()} />
        <${CopyButton} text=${text} label=${name} />
      </div>
    </div>
  `;
}

/** Lines to paste into a shell. */
export function Snippet({ label, text }) {
  return html`
    <figure class="snippet">
      <figcaption>${label}<${CopyButton} text=${text} label="commands" /></figcaption>
      <pre tabindex="0" aria-label=${label}><code>${text}</code></pre>
    </figure>
  `;
}
