// A team of Cloudflare Access: keys, assertions signed with them, and the answer to whoever fetches the keys.

import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { Response } from "miniflare";
import { Gateway } from "../gateway.js";
import { ask } from "./caller.js";

export const AUD = "0123456789abcdef".repeat(4);
export const OTHER_AUD = "fedcba9876543210".repeat(4);
export const ISSUER = "https://acme.cloudflareaccess.com";

/** The gateway's settings for the team; the gateway is its second application. */
export const ACCESS = { ACCESS_TEAM: "acme", ACCESS_AUD: `${OTHER_AUD},${AUD}` };

/** The header in which Access tells whom it has let in. */
export const asserted = (assertion) => ({ "cf-access-jwt-assertion": assertion });

/** A gateway with a team of its own: what it keeps of the team's keys is its own, too. */
export async function gatewayOfTeam(t, bindings = {}, build = "build") {
  const team = new Team();
  const gateway = await Gateway.start({
    build,
    bindings: { ...ACCESS, ...bindings },
    outbound: team.outbound,
  });
  t.after(() => gateway.stop());
  const get = (assertion = team.assertion()) =>
    ask(gateway, "/api/tasks", { headers: asserted(assertion) });
  return { team, gateway, get, status: async (assertion) => (await get(assertion)).status };
}

const base64url = (value) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** How an assertion is signed: RS256 is right, the others are what forgers try. */
const SIGNERS = {
  RS256: (key, text) => sign("sha256", Buffer.from(text), key),
  RS512: (key, text) => sign("sha512", Buffer.from(text), key),
  ES256: (_, text) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" });
  },
  // The public key taken for a shared secret.
  HS256: (key, text) => {
    const pem = createPublicKey(key).export({ type: "spki", format: "pem" });
    return createHmac("sha256", pem).update(text).digest();
  },
  none: () => Buffer.alloc(0),
};

export class Team {
  #keys = new Map();
  fetches = [];

  constructor() {
    this.addKey("first");
    this.answer = this.certs;
  }

  addKey(kid, modulusLength = 2048) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength });
    this.#keys.set(kid, privateKey);
  }

  /** What the team's certs are, in the form in which Cloudflare documents them. */
  certs = () => {
    const keys = [...this.#keys].map(([kid, key]) => {
      const { n, e } = createPublicKey(key).export({ format: "jwk" });
      return { kid, kty: "RSA", alg: "RS256", use: "sig", e, n };
    });
    const unknown = { kid: "curve", kty: "OKP", alg: "EdDSA", use: "sig", crv: "Ed25519", x: "AA" };
    return Response.json({ keys: [unknown, ...keys], public_cert: {}, public_certs: [] });
  };

  /** For `outbound` of a gateway. */
  outbound = (request) => {
    this.fetches.push(request.url);
    return this.answer(request);
  };

  /** An assertion that lets in, but for what is given. */
  assertion({
    kid = "first",
    key = kid,
    alg = "RS256",
    signer = alg,
    header = {},
    claims = {},
  } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      aud: [AUD],
      email: "admin@example.com",
      exp: now + 60,
      iat: now,
      nbf: now,
      iss: ISSUER,
      type: "app",
      sub: "7335d417-61da-459d-899c-0a01c76a2f94",
      ...claims,
    };
    const text = `${base64url({ alg, kid, typ: "JWT", ...header })}.${base64url(payload)}`;
    return `${text}.${SIGNERS[signer](this.#keys.get(key), text).toString("base64url")}`;
  }
}
