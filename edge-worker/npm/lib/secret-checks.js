// What the gateway refuses of a secret, with whatever else is right: text that was pasted with extra characters, and
// templates that nobody filled in. The rules and the words are those of the core; `tests/parity` compares them.

const CONTROL = /\p{Cc}/gu;

/**
 * Characters that can't be seen: control characters, separators but the blank, and those that Unicode lists as ignorable.
 * @type {[RegExp, string][]}
 */
const INVISIBLE = [
  [/\p{Cc}/u, "holds a control character"],
  [/[\xa0\u202f]/u, "holds a no-break space"],
  [/[\u200d\u200b\u200c\u2060\ufeff]/u, "holds a zero-width character"],
  [/(?! )[\p{Z}\p{DI}\u2800\ufff9-\ufffb]/u, "holds a character that can't be seen"],
];

const QUOTED =
  /^[\\b]?["'`\xab\xb4\xbb\u2018-\u201f\u2039\u203a\uff02\uff07].*["'`\xab\xb4\xbb\u2018-\u201f\u2039\u203a\uff02\uff07]$/su;

/** What programs write for a missing value, in lower case. */
const NO_VALUES = ["undefined", "null", "none", "nil", "nan", "false"];

const TEMPLATE = /^(\$\{.*\}|\$\(.*\)|\{\{.*\}\}|<.*>|\$[a-z_][a-z0-9_]*|%[a-z_][a-z0-9_]*%)$/is;

/** The name of the variable: a secret that begins with it is a whole line of an environment file. */
const VARIABLE = "VTRYON_WEBHOOK_SECRET";

/**
 * Returns what is wrong with a secret, without the secret; nothing where the gateway takes it.
 * @param {string} secret
 * @returns {string | undefined}
 */
export function faultOfSecret(secret) {
  if (secret === "") return "is empty";
  if (/^\0+$/.test(secret)) return "holds only zero bytes, which are as good as none";
  if (/^[\t-\r ]|[\t-\r ]$/.test(secret)) return "begins or ends with whitespace";
  // With so many control characters it is a binary key.
  if ((secret.match(CONTROL) ?? []).length * 2 > [...secret].length) return;
  if (secret.startsWith("\ufeff")) return "begins with a byte order mark (U+FEFF)";
  const invisible = firstInvisible(secret);
  if (invisible !== undefined) return invisible;
  if (QUOTED.test(secret)) return "has quotes around it";
  const name = secret.replace(/^whsec_/, "");
  if (name === "") return "is empty after whsec_";
  const word = NO_VALUES.find((value) => value === lowerCase(name));
  if (word !== undefined) return `is the word ${word}`;
  if (lowerCase(name) === "[object object]") return "is the text [object Object]";
  if (TEMPLATE.test(name)) return `is a template such as \${NAME} that was not filled in`;
  if (secret.startsWith(VARIABLE)) return `begins with the name of its variable, ${VARIABLE}`;
}

/** @param {string} secret */
function firstInvisible(secret) {
  for (const character of secret) {
    const found = INVISIBLE.find(([pattern]) => pattern.test(character));
    if (found !== undefined) return found[1];
  }
}

/**
 * Of ASCII alone: other letters have no case here.
 * @param {string} text
 */
function lowerCase(text) {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
