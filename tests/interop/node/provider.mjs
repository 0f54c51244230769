// The npm package oidc-provider as an identity provider on loopback, over HTTPS.
// Everything comes as one JSON object in the file named by argv[2]:
//   {port, issuer, cert, key, client_id, client_secret, redirect_uris, users: {name: {groups: [...]}}, alg}
// Its development forms take any password: what is tested is our side of the protocol.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const conf = JSON.parse(readFileSync(process.argv[2], "utf8"));
const makers = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};
const algs = conf.algs ?? ["RS256"];
const keys = algs.map((alg, i) => ({
  ...makers[alg]().privateKey.export({ format: "jwk" }), alg, use: "sig", kid: `k${i}-${alg}`,
}));

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

createServer({ cert: readFileSync(conf.cert), key: readFileSync(conf.key) }, provider.callback())
  .listen(conf.port, conf.host ?? "127.0.0.1", () => console.log(`ready ${conf.issuer}`));
