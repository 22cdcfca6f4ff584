// Which URLs an endpoint may have, with Node's URL as the oracle; which events it gets.

/** What passes is read by Node as it is written: nothing is decoded, dropped or put in another place. */
function taken(name, why, url, { insecure = false, hosts = [] } = {}) {
  const read = new URL(url);
  const [, scheme, host, port = "", target] = /^(\w+):\/\/([^/?]+?)(?::(\d+))?([/?].*)?$/.exec(url);
  const isDefault = { http: "80", https: "443" }[scheme.toLowerCase()] === port;
  const path = (target ?? "/").replace(/^\?/, "/?");
  const is = [read.protocol, read.hostname, read.port, read.pathname + read.search, read.hash];
  const should = [`${scheme}:`.toLowerCase(), host.toLowerCase(), isDefault ? "" : port, path, ""];
  if (`${is}` !== `${should}`) throw new Error(`${name}: Node reads ${is}, not ${should}`);
  return { name, why, url, insecure, hosts, host };
}

const refused = (name, says, url, { insecure = false, hosts = [] } = {}) => ({
  name,
  why: `it ${says}`,
  url,
  insecure,
  hosts,
  says,
});

/** An IP address in the eyes of a browser, and therefore of whatever follows its rules. */
function address(url, more) {
  const { hostname } = new URL(url);
  if (!/^(\d+\.){3}\d+$|^\[/.test(hostname)) throw new Error(`${url} is the host ${hostname}`);
  return refused(`an address: ${url}`, "names an IP address: name a host", url, more);
}

/** A host that leads into a private network, or nowhere. */
const privateName = (host, why) => ({
  ...refused(`private: ${host}`, PRIVATE, `https://${host}/`),
  why,
});

/** [name, what it is, a host below it that is in use] */
const PRIVATE_NAMES = [
  ["alt", "RFC 9476: names that are no DNS names", "shop.gns.alt"],
  ["arpa", "RFC 3172: the DNS itself", "1.0.0.10.in-addr.arpa"],
  ["home.arpa", "RFC 8375: home networks", "router.home.arpa"],
  ["invalid", "RFC 6761: never resolves"],
  ["local", "RFC 6762: multicast DNS", "printer.local"],
  ["cluster.local", "Kubernetes", "shop.default.svc.cluster.local"],
  ["localhost", "RFC 6761: this machine"],
  ["onion", "RFC 7686: Tor"],
  ["test", "RFC 6761: tests on a network of one's own"],
  ["bit", "a name of a peer-to-peer system"],
  ["exit", "a name of a peer-to-peer system"],
  ["gnu", "a name of a peer-to-peer system"],
  ["i2p", "a name of a peer-to-peer system"],
  ["zkey", "a name of a peer-to-peer system"],
  ["internal", "ICANN keeps it for private use", "metadata.google.internal"],
  ["docker.internal", "Docker", "host.docker.internal"],
  ["intranet", "RFC 6762, appendix G", "wiki.intranet"],
  ["private", "RFC 6762, appendix G", "vault.private"],
  ["corp", "RFC 6762, appendix G", "wiki.corp"],
  ["home", "RFC 6762, appendix G", "nas.home"],
  ["lan", "RFC 6762, appendix G", "nas.lan"],
  ["mail", "ICANN does not delegate it: private networks use it"],
  ["localdomain", "what Linux distributions call this machine", "localhost.localdomain"],
  ["box", "home routers", "nas.fritz.box"],
  ["svc", "Kubernetes", "shop.default.svc"],
  ["consul", "Consul", "shop.service.consul"],
  ["ts.net", "Tailscale", "nas.tail1234.ts.net"],
  ["beta.tailscale.net", "Tailscale", "nas.shop.beta.tailscale.net"],
  ["metadata.goog", "a cloud's metadata server"],
  ["metadata.tencentyun.com", "a cloud's metadata server"],
  ["nip.io", "a public name for any address", "10.0.0.1.nip.io"],
  ["sslip.io", "a public name for any address", "www-169-254-169-254.sslip.io"],
  ["xip.io", "a public name for any address", "127.0.0.1.xip.io"],
  ["traefik.me", "a public name for any address", "10-0-0-1.traefik.me"],
  ["localtest.me", "a public name for this machine"],
  ["lvh.me", "a public name for this machine"],
  ["localho.st", "a public name for this machine"],
];

const SCHEME = "does not begin with https://";
const LABELS = "names a host that is not made of labels of letters, digits and hyphens";
const PRIVATE = "names a host of a private network";
const PORT = "has a port that is none of 443, 2053, 2083, 2087, 2096 and 8443";
const NUMBER = "has a port that is no number from 1 to 65535";
const ENCODE = "holds a character that has to be percent-encoded";
const BLANK = "holds a blank or a control character";
const LISTED = "names a host that is not among those allowed";
const ASCII =
  "holds a character that is not ASCII: write a host in punycode, the rest percent-encoded";
const USER = "holds a user or a password";
const DOTS = "holds a dot segment";
const HEX = "holds a percent sign without two hex digits after it";
const insecure = { insecure: true };
const label63 = "a".repeat(63);

const urls = [
  taken("plain", "as most are", "https://shop.example/webhooks/vtryon"),
  taken("no path", "the root", "https://shop.example"),
  taken("the root", "a slash", "https://shop.example/"),
  taken("a query", "sent as it is", "https://shop.example/hook?tenant=7&b=%20"),
  taken("a query without a path", "sent to the root", "https://shop.example?tenant=7"),
  taken("upper case", "hosts and schemes have none", "HTTPS://Shop.Example/Hook"),
  taken("punycode", "how other letters are written", "https://xn--bcher-kva.example/"),
  {
    name: "punycode that names no letters",
    why: "not judged: it takes the tables of Unicode, and no such host can be called",
    url: "https://xn--bcher-kva0.example/",
    insecure: false,
    hosts: [],
    host: "xn--bcher-kva0.example",
  },
  taken("a label of digits, not the last", "no address", "https://1.2.3.example/"),
  taken("a last label that begins with digits", "no number", "https://shop.1st/"),
  taken("a last label that looks hexadecimal", "no number: an x needs a 0", "https://shop.x7f/"),
  taken("hyphens inside", "as in many names", "https://a-b--c.example/"),
  taken("a name for documentation", "it leads nowhere", "https://shop.example/"),
  taken("a second-level name for documentation", "it leads nowhere", "https://shop.example.com/"),
  taken("a label of 63", "the longest", `https://${label63}.example/`),
  taken("a host of 253", "the longest", `https://${`${label63}.`.repeat(3)}${"b".repeat(61)}/`),
  taken("2048 bytes", "the longest", `https://shop.example/${"p".repeat(2027)}`),
  ...[443, 2053, 2083, 2087, 2096, 8443].map((port) =>
    taken(`port ${port}`, "Cloudflare connects to it", `https://shop.example:${port}/`),
  ),
  taken("an at sign in the path", "no user", "https://shop.example/@me"),
  taken("a colon in the path", "no port", "https://shop.example/a:b"),
  taken("dots in the path", "no segments", "https://shop.example/a..b/.c/..."),
  taken("dots in the query", "no segments", "https://shop.example/?a=/../b"),
  taken("two slashes in the path", "kept", "https://shop.example//a//"),
  taken(
    "all that needs no escape",
    "kept",
    "https://shop.example/-._~!$&()*+,;=:@%20?-._~!$&()*+,;=:@/?",
  ),
  taken(
    "the name of a private one inside",
    "not at its end",
    "https://local.internal.shop.example/",
  ),
  taken("a name like a private one", "not a label of its own", "https://notlocalhost.mylocal/"),
  taken("a name like one for any address", "not below it", "https://mynip.io/"),
  taken("a suffix that others share", "only what is below ts.net is private", "https://shop.net/"),
  taken("a cloud's public host", "only its metadata server is private", "https://shop.goog/"),

  refused("empty", SCHEME, ""),
  refused("a name alone", SCHEME, "shop.example/hook"),
  refused("http", SCHEME, "http://shop.example/"),
  refused("another scheme", SCHEME, "ftp://shop.example/"),
  refused("a script", SCHEME, "javascript://shop.example/%0aalert(1)"),
  refused("one slash", SCHEME, "https:/shop.example/"),
  refused("no slashes", SCHEME, "https:shop.example/"),
  refused("a scheme in a scheme", SCHEME, "view:https://shop.example/"),
  refused("2049 bytes", "is longer than 2048 bytes", `https://shop.example/${"p".repeat(2028)}`),
  refused("no host", "names no host", "https://"),
  refused("no host, a path", "names no host", "https:///hook"),
  refused("no host, a query", "names no host", "https://?a"),
  refused("no host, a port", "names no host", "https://:443/"),
  refused("a user", USER, "https://me@shop.example/"),
  refused("a user and a password", USER, "https://me:secret@shop.example/"),
  refused("a user and a port", USER, "https://me@shop.example:443/"),
  refused("an empty user", USER, "https://@shop.example/"),
  refused("a host as a user", USER, "https://shop.example@127.0.0.1/"),
  refused("a fragment", "holds a fragment, which is never sent", "https://shop.example/#a"),
  refused(
    "a fragment after the host",
    "holds a fragment, which is never sent",
    "https://shop.example#@b.example/",
  ),
  refused("a blank", BLANK, "https://shop.example/a b"),
  refused("a blank before it", BLANK, " https://shop.example/"),
  refused("a line feed", BLANK, "https://shop.example/a\nb"),
  refused("a tab in the host", BLANK, "https://shop\t.example/"),
  refused("NUL", BLANK, "https://shop.example/\0"),
  refused("DEL", BLANK, "https://shop.example/\x7f"),
  refused("a backslash", ENCODE, "https://shop.example\\@b.example/"),
  ...["^", "`", '"', "'", "<", ">", "{", "}", "|", "[", "]"].map((sign) =>
    refused(`the sign ${sign}`, ENCODE, `https://shop.example/a?b=${sign}`),
  ),
  refused("not ASCII in the host", ASCII, "https://bücher.example/"),
  refused("not ASCII in the path", ASCII, "https://shop.example/é"),
  refused("a full stop of another script", ASCII, "https://127。0。0。1/"),
  refused("wide digits", ASCII, "https://１２７.0.0.1/"),
  refused("a percent sign at the end", HEX, "https://shop.example/%"),
  refused("a percent sign and one digit", HEX, "https://shop.example/%2"),
  refused("a percent sign and no digits", HEX, "https://shop.example/%zz"),
  refused("a percent sign in the host", LABELS, "https://%6cocalhost/"),
  refused("a dot segment", DOTS, "https://shop.example/a/../b"),
  refused("a dot segment at the end", DOTS, "https://shop.example/a/."),
  refused("an encoded dot segment", DOTS, "https://shop.example/%2e%2E/b"),
  refused("half an encoded dot segment", DOTS, "https://shop.example/.%2e"),
  refused("an underscore", LABELS, "https://my_shop.example/"),
  refused("an empty label", LABELS, "https://shop..example/"),
  refused("a dot before it", LABELS, "https://.shop.example/"),
  refused("a hyphen at its beginning", LABELS, "https://-shop.example/"),
  refused("a hyphen at a label's end", LABELS, "https://shop-.example/"),
  refused("a label of 64", LABELS, `https://${label63}a.example/`),
  refused("two colons", LABELS, "https://shop.example:443:443/"),
  refused("a comma", LABELS, "https://shop,example/"),
  refused(
    "a host of 254",
    "names a host of more than 253 bytes",
    `https://${`${label63}.`.repeat(3)}${"b".repeat(62)}/`,
  ),
  refused("a dot after it", "names a host with a dot at its end", "https://shop.example./"),
  refused("localhost with a dot", "names a host with a dot at its end", "https://localhost./"),
  refused("one label", "names a host without a domain", "https://shop/"),
  ...[
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://0X7F000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x/",
    "https://10.0.0.0x1/",
    "https://127.0.0.1./",
    "https://169.254.169.254/latest/meta-data/",
    "https://8.8.8.8/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]:8443/",
  ].map((url) => address(url)),
  refused("an address with a zone", "names an IP address: name a host", "https://[fe80::1]/"),
  refused("a last label that is a number", "names an IP address: name a host", "https://shop.7/"),
  refused(
    "a last label that is hexadecimal",
    "names an IP address: name a host",
    "https://shop.0x7f/",
  ),
  refused("an open bracket", "names an IP address: name a host", "https://[::1/"),
  ...PRIVATE_NAMES.flatMap(([name, why, below]) => [
    privateName(name, why),
    privateName(below ?? `shop.${name}`, why),
  ]),
  privateName("LOCALHOST", "names have no case"),
  privateName("Shop.TS.Net", "names have no case"),
  refused("an empty port", NUMBER, "https://shop.example:/"),
  refused("port 0", NUMBER, "https://shop.example:0/"),
  refused("a port with leading zeros", NUMBER, "https://shop.example:0443/"),
  refused("a port with a sign", NUMBER, "https://shop.example:+443/"),
  refused("a port of letters", NUMBER, "https://shop.example:https/"),
  refused("a port too high", NUMBER, "https://shop.example:65979/"),
  refused("a port of HTTP", PORT, "https://shop.example:80/"),
  refused("a port that is not Cloudflare's", PORT, "https://shop.example:3000/"),

  taken("insecure: http", "for development", "http://shop.example/", insecure),
  taken("insecure: any port", "for development", "https://shop.example:3000/", insecure),
  taken("insecure: localhost", "for development", "http://localhost:3000/hook", insecure),
  taken("insecure: localhost, another case", "for development", "http://LocalHost/", insecure),
  taken("insecure: 127.0.0.1", "for development", "http://127.0.0.1:65535/", insecure),
  taken("insecure: ::1", "for development", "http://[::1]:3000/", insecure),
  taken("insecure: ::1 without a port", "for development", "https://[::1]/", insecure),
  ...[
    "http://127.0.0.2/",
    "http://127.1/",
    "http://10.0.0.1/",
    "http://[::2]/",
    "http://[0:0::1]/",
  ].map((url) => address(url, insecure)),
  refused("insecure: a private name", PRIVATE, "http://nas.lan/", insecure),
  refused("insecure: below localhost", PRIVATE, "http://a.localhost/", insecure),
  refused("insecure: a user", USER, "http://me@localhost/", insecure),
  refused("insecure: port 0", NUMBER, "http://localhost:0/", insecure),
  refused("insecure: another scheme", SCHEME, "ws://localhost/", insecure),

  taken("listed", "by name", "https://shop.example/", { hosts: ["a.example", "shop.example"] }),
  taken("listed, another case", "names have none", "https://SHOP.example/", {
    hosts: ["Shop.EXAMPLE"],
  }),
  taken("listed, below", "a subdomain", "https://a.b.Shop.example/", { hosts: ["*.shop.Example"] }),
  taken("listed, localhost", "in development", "http://localhost:3000/", {
    insecure: true,
    hosts: ["localhost"],
  }),
  refused("not listed", LISTED, "https://other.example/", { hosts: ["shop.example"] }),
  refused("not listed: below a name", LISTED, "https://a.shop.example/", {
    hosts: ["shop.example"],
  }),
  refused("not listed: above", LISTED, "https://shop.example/", { hosts: ["*.shop.example"] }),
  refused("not listed: alike", LISTED, "https://myshop.example/", { hosts: ["*.shop.example"] }),
  refused("not listed: this machine", LISTED, "http://localhost/", {
    insecure: true,
    hosts: ["shop.example"],
  }),
  refused("not listed: in development", LISTED, "http://b.example/", {
    insecure: true,
    hosts: ["shop.example"],
  }),
  refused("listed, but private", PRIVATE, "https://nas.lan/", { hosts: ["nas.lan"] }),
  refused("listed, but an address", "names an IP address: name a host", "https://10.0.0.1/", {
    hosts: ["10.0.0.1"],
  }),
  refused("a pattern of nothing", LISTED, "https://shop.example/", { hosts: ["*."] }),
];

const CHANGED = "generation.status_changed";
const NOTED = "generation.noted";
const filter = ({ statuses = [], events = [], unknown = false, quarantined = false }) => ({
  statuses,
  events,
  unknown,
  quarantined,
});

/** An event is [outcome, name, status]. */
const got = (name, why, kept, [outcome, event, status = null], takes) => ({
  name: `filter: ${name}`,
  why,
  filter: filter(kept),
  outcome,
  event,
  status,
  takes,
});

const filters = [
  got("anything, applied", "the default", {}, ["applied", CHANGED, "queued"], true),
  got(
    "a status, that",
    "listed",
    { statuses: ["completed", "failed"] },
    ["applied", CHANGED, "failed"],
    true,
  ),
  got(
    "a status, another",
    "not listed",
    { statuses: ["completed"] },
    ["applied", CHANGED, "queued"],
    false,
  ),
  got("an event, that", "listed", { events: [CHANGED] }, ["applied", CHANGED, "queued"], true),
  got(
    "an event, another",
    "not listed",
    { events: [NOTED] },
    ["applied", CHANGED, "queued"],
    false,
  ),
  got(
    "both, both",
    "listed",
    { events: [CHANGED], statuses: ["queued"] },
    ["applied", CHANGED, "queued"],
    true,
  ),
  got(
    "both, one",
    "both count",
    { events: [NOTED], statuses: ["queued"] },
    ["applied", CHANGED, "queued"],
    false,
  ),
  got(
    "a status, no status told",
    "none is listed",
    { statuses: ["queued"] },
    ["applied", CHANGED],
    false,
  ),
  got(
    "names are exact",
    "another case",
    { statuses: ["Queued"] },
    ["applied", CHANGED, "queued"],
    false,
  ),

  got("an unknown status", "only on request", {}, ["unknown", CHANGED, "paused"], false),
  got(
    "an unknown status, wanted",
    "on request",
    { unknown: true },
    ["unknown", CHANGED, "paused"],
    true,
  ),
  got(
    "an unknown status, listed",
    "by its name",
    { statuses: ["paused"] },
    ["unknown", CHANGED, "paused"],
    true,
  ),
  got(
    "an unknown status, another listed",
    "not that",
    { statuses: ["held"] },
    ["unknown", CHANGED, "paused"],
    false,
  ),
  got(
    "an unknown status, another listed and wanted",
    "all unknown",
    { unknown: true, statuses: ["held"] },
    ["unknown", CHANGED, "paused"],
    true,
  ),
  got(
    "an unknown status, its event listed",
    "is not enough",
    { events: [CHANGED] },
    ["unknown", CHANGED, "paused"],
    false,
  ),
  got(
    "an unknown status, wanted, its event listed",
    "on request",
    { unknown: true, events: [CHANGED] },
    ["unknown", CHANGED, "paused"],
    true,
  ),
  got(
    "an unknown status, wanted, another event listed",
    "not that",
    { unknown: true, events: [NOTED] },
    ["unknown", CHANGED, "paused"],
    false,
  ),

  got("an unknown event", "only on request", {}, ["unknown", NOTED], false),
  got("an unknown event, wanted", "on request", { unknown: true }, ["unknown", NOTED], true),
  got(
    "an unknown event, wanted, statuses listed",
    "it has none",
    { unknown: true, statuses: ["queued"] },
    ["unknown", NOTED],
    true,
  ),
  got("an unknown event, listed", "by its name", { events: [NOTED] }, ["unknown", NOTED], true),
  got(
    "an unknown event, wanted, another listed",
    "the list counts",
    { unknown: true, events: [CHANGED] },
    ["unknown", NOTED],
    false,
  ),

  got("quarantined", "only on request", { unknown: true }, ["quarantined", "", null], false),
  got("quarantined, wanted", "on request", { quarantined: true }, ["quarantined", "", null], true),
  got(
    "quarantined, wanted, events listed",
    "it has no name",
    { quarantined: true, events: [NOTED] },
    ["quarantined", "", null],
    true,
  ),
  ...["duplicate", "late", "conflict", "capped"].map((outcome) =>
    got(
      `${outcome}, all wanted`,
      "never",
      { unknown: true, quarantined: true },
      [outcome, CHANGED, "completed"],
      false,
    ),
  ),
];

const OUTCOMES = ["applied", "duplicate", "late", "conflict", "unknown", "capped", "quarantined"];

const orders = ["latest", "all"].flatMap((order) =>
  OUTCOMES.flatMap((newer) =>
    [true, false].map((has_status) => ({
      name: `order: ${order}, ${newer} after ${has_status ? "a status" : "another event"}`,
      why: "only what moved a task overtakes, and only statuses",
      order,
      newer,
      has_status,
      supersedes: order === "latest" && newer === "applied" && has_status,
    })),
  ),
);

export const endpoint = [...urls, ...filters, ...orders];
