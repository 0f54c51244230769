// The npm package oidc-provider as an identity provider on loopback, over HTTPS.
// Everything comes as one JSON object in the file named by argv[2]:
//   {port, issuer, cert, key, client_id, client_secret, redirect_uris, users: {name: {groups: [...]}}, algs,
//    key_store: file of its signing keys, made when absent, first_key: number of the first key id, lie: file with claims that replace the true ones in ID tokens}
// Its development forms take any password: what is tested is our side of the protocol.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { importJWK, decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { Provider } from "oidc-provider";

const conf = JSON.parse(readFileSync(process.argv[2], "utf8"));
// By way of PEM: twice this program stood at its start without a word, and a deadlock of the export with the collector is the suspect, unproved.
const pem = { privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } };
const makers = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048, ...pem }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048, ...pem }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256", ...pem }),
  EdDSA: () => generateKeyPairSync("ed25519", pem),
};
const algs = conf.algs ?? ["RS256"];
const made = () => algs.map((alg, i) => ({
  ...createPrivateKey(makers[alg]().privateKey).export({ format: "jwk" }), alg, use: "sig", kid: `k${(conf.first_key ?? 0) + i}-${alg}`,
}));
if (!existsSync(conf.key_store)) writeFileSync(conf.key_store, JSON.stringify(made()), { mode: 0o600 });
const keys = JSON.parse(readFileSync(conf.key_store, "utf8"));

const provider = new Provider(conf.issuer, {
  clients: [{
    client_id: conf.client_id,
    client_secret: conf.client_secret,
    redirect_uris: conf.redirect_uris,
    response_types: ["code"],
    grant_types: ["authorization_code"],
    id_token_signed_response_alg: algs[0],
    token_endpoint_auth_method: "client_secret_basic",
  }],
  jwks: { keys },
  cookies: { keys: ["interop-only"] },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"], email: ["email"], groups: ["groups"] },
  scopes: ["openid", "profile", "email", "groups"],
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
  async findAccount(_ctx, id) {
    const user = conf.users[id];
    return user && {
      accountId: id,
      claims: async () => ({
        sub: id, name: id, preferred_username: id, email: `${id}@example.test`, groups: user.groups,
      }),
    };
  },
});

// A provider that lies: everything is true but the claims that the test names, signed with the real key.
provider.use(async (ctx, next) => {
  await next();
  const lie = JSON.parse(readFileSync(conf.lie, "utf8"));
  if (ctx.path !== "/token" || !ctx.body?.id_token || Object.keys(lie).length === 0) return;
  const head = decodeProtectedHeader(ctx.body.id_token);
  const claims = { ...decodeJwt(ctx.body.id_token), ...lie };
  ctx.body.id_token = await new SignJWT(claims).setProtectedHeader(head)
    .sign(await importJWK(keys.find((k) => k.kid === head.kid), head.alg));
});

createServer({ cert: readFileSync(conf.cert), key: readFileSync(conf.key) }, provider.callback())
  .listen(conf.port, conf.host ?? "127.0.0.1", () => console.log(`ready ${conf.issuer}`));
