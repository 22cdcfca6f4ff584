// Which blocks of code of the pages a test's file runs, by the form in which it asks for them. A comment or a title that
// names a block does not count.

const NAME = /"([\w-]+)"/g;

/** How tests ask for blocks: each form captures a mark, or a list of marks in quotes. */
const FORMS = {
  js: [
    /\b(?:block|run|runJson|load)\(("[\w-]+")/g,
    // A row of a table whose blocks are all run.
    /\{\s*mark: ("[\w-]+"),/g,
  ],
  py: [
    /\b(?:block|run)\(("[\w-]+")/g,
    /^ +\(("[\w-]+"), (?:asgi|wsgi)\),$/gm,
    /\bfor mark in \(([^()]+)\):/g,
    /\.parametrize\("mark", \[([^[\]]+)\]\)/g,
  ],
  rs: [/\.split_once\("<!-- tested: ([\w-]+) -->/g],
};

/** A function that asks for blocks whose marks begin alike, such as `const lines = (mark) => block(`start-${mark}`)`. */
const SHORT_FORM = /\bconst (\w+) = \(mark\) => block\(`([\w-]+)\$\{mark\}`\)/g;

/** Whether a file has the function that finds a block: only then it can run one. */
const FINDS_BLOCKS = {
  js: /^import \{[^}]*\bblock\b[^}]*\} from "[^"]+\/pages\.js";$/m,
  py: /^def block\(/m,
  rs: /<!-- tested: /,
};

const COMMENTS = {
  js: /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm,
  py: /"""[\s\S]*?"""|(?<=^|\s)#.*$/gm,
  rs: /(?<=^|\s)\/\/.*$/gm,
};

/** Returns the marks of the blocks that a file runs; `language` is the ending of its name. */
export function marksRun(language, text) {
  if (!FINDS_BLOCKS[language].test(text)) return [];
  const code = text.replace(COMMENTS[language], "");
  const asked = FORMS[language].flatMap((form) =>
    [...code.matchAll(form)].map(([, marks]) => marks),
  );
  const marks = asked.flatMap((marks) =>
    marks.includes('"') ? [...marks.matchAll(NAME)].map(([, mark]) => mark) : [marks],
  );
  const short = [...code.matchAll(SHORT_FORM)].flatMap(([, name, start]) =>
    [...code.matchAll(new RegExp(`\\b${name}\\("([\\w-]+)"\\)`, "g"))].map(
      ([, end]) => start + end,
    ),
  );
  return [...marks, ...short];
}
