// What a page of Markdown has: links, headings, and blocks of code with the marks before them.

const FENCE = /^( *)(```+)(\w*)/;

/** The lines of a page outside of blocks of code, and the blocks. */
function taken(text) {
  const prose = [];
  const blocks = [];
  let open;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = FENCE.exec(line);
    if (open) {
      if (line.trim() === open.fence) open = undefined;
    } else if (fence) {
      const before = prose.findLast((earlier) => earlier.trim() !== "") ?? "";
      const mark = /^\s*<!-- (tested|not run): (.+) -->$/.exec(before);
      open = { line: index + 1, fence: fence[2], language: fence[3] };
      blocks.push({ ...open, mark: mark ? { kind: mark[1], text: mark[2] } : undefined });
      // So that a mark counts for one block only.
      prose.push("block");
    } else {
      prose.push(line);
    }
  }
  return { prose, blocks };
}

/** The blocks of code of a page: the number of the line, the language, and the mark before it. */
export const blocks = (text) => taken(text).blocks;

/** The targets of the links and pictures of a page. */
export function links(text) {
  const prose = taken(text)
    .prose.join("\n")
    .replace(/`[^`\n]*`/g, "`");
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)];
  const defined = [...prose.matchAll(/^ *\[[^\]]+\]: <?(\S+?)>?$/gm)];
  const html = [...prose.matchAll(/<(?:a|img)\b[^>]*\b(?:href|src)="([^"]+)"/g)];
  return [...inline, ...defined, ...html].map(([, target]) => target);
}

/**
 * The anchors of a page, as GitHub makes them from its headings: in lower case, letters, marks, digits, `_` and `-` stay,
 * a blank becomes `-`, all else is dropped, and one that there is already gets `-1`, `-2`, ….
 */
export function anchors(text) {
  const seen = new Map();
  const headings = taken(text).prose.filter((line) => /^#{1,6} /.test(line));
  return headings.map((heading) => {
    const title = heading.replace(/^#+ /, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = title
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, "")
      .replaceAll(" ", "-");
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}
