// Certificates that a test file makes with openssl, in a folder that is removed at its end.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes an authority, `ca`, and certificates of it and of nobody; `after` removes them. */
export function certificates(after) {
  const folder = mkdtempSync(join(tmpdir(), "vtryon-tls-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    ...["req", "-x509", ...curve, "-days", "2", "-subj", "/CN=Test authority"],
    ...["-keyout", "ca.key", "-out", "ca.pem"],
  );
  const keyed = (name) => ({
    key: readFileSync(at(`${name}.key`)),
    cert: readFileSync(at(`${name}.pem`)),
  });
  /** A certificate of the authority for hosts, such as `DNS:localhost`. */
  const issued = (name, hosts, ...times) => {
    openssl(
      "req",
      "-new",
      ...curve,
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
    );
    writeFileSync(at(`${name}.ext`), `subjectAltName=${hosts}\n`);
    openssl(
      ...[
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-set_serial",
        "2",
      ],
      ...["-extfile", `${name}.ext`, "-out", `${name}.pem`],
      ...(times.length > 0 ? times : ["-days", "2"]),
    );
    return keyed(name);
  };
  const selfSigned = (name, hosts) => {
    openssl(
      ...[
        "req",
        "-x509",
        ...curve,
        "-days",
        "2",
        "-subj",
        `/CN=${name}`,
        "-addext",
        `subjectAltName=${hosts}`,
      ],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`],
    );
    return keyed(name);
  };
  return { ca: at("ca.pem"), at, issued, selfSigned };
}
