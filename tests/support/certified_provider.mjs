// The certified OpenID provider `oidc-provider`, unmodified, on a free port of loopback.
//
// The first line of standard input is JSON: its clients, and the people by the name they sign in with. It answers with
// its issuer. Each further line is a number of seconds by which its clock shall be ahead; it answers once that is so.
// It ends with standard input.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

import Provider from "oidc-provider";

const now = Date.now;

// Standard output is for answers; what the package has to say is for the log.
console.info = console.error;

function answer(line) {
  process.stdout.write(`${line}\n`);
}

function signingKey(type, options) {
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), use: "sig" };
}

function configuration({ clients, people }) {
  return {
    clients,
    claims: { email: ["email", "email_verified"], groups: ["groups"], openid: ["sub"], profile: ["name"] },
    cookies: { keys: ["for tests only"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_ctx, id) => id in people && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    jwks: {
      keys: [signingKey("rsa", { modulusLength: 2048 }), signingKey("ec", { namedCurve: "P-256" }), signingKey("ed25519")],
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
  };
}

function start(given) {
  const server = createServer();
  server.listen(0, "127.0.0.1", () => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    server.on("request", new Provider(issuer, configuration(given)).callback());
    answer(issuer);
  });
}

function setClock(seconds) {
  Date.now = () => now() + seconds * 1000;
  answer("done");
}

const lines = createInterface({ input: process.stdin });
lines.once("line", (first) => {
  start(JSON.parse(first));
  lines.on("line", (line) => setClock(Number(line)));
});
lines.on("close", () => process.exit());
