// A whole installation on loopback ports of its own, in a folder that is removed: broker with the
// built-in provider, relay, connector, one private web app, an agent. All are the real programs.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as httpServer } from "node:http";
import { createServer as tcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("../..", import.meta.url));
const build = process.env.SALLYPORT_BUILD ?? join(top, "build-release");
const STEP_MS = 30_000;

const program = (name) => join(build, { "sallyport-broker": "broker", "sallyport-relay": "relay", "sallyport-connector": "connector", sallyport: "client" }[name], name);

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Until `ask` gives something; what it gave. */
export async function until(what, ask, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    const got = await ask();
    if (got) return got;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`);
    await pause(100);
  }
}

export function freePort() {
  return new Promise((done) => {
    const s = tcpServer().listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => done(port));
    });
  });
}

/** An authenticator app (RFC 6238, SHA-1) that never gives a code twice: a second use is a replay. */
export class Authenticator {
  last = 0;

  constructor(secret) {
    const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
    this.key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  }

  async code() {
    await until("a code that was not used", () => Math.floor(Date.now() / STEP_MS) > this.last, STEP_MS + 1000);
    this.last = Math.floor(Date.now() / STEP_MS);
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(this.last));
    const mac = createHmac("sha1", this.key).update(counter).digest();
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
  }
}

export class World {
  running = [];

  static async start() {
    const w = new World();
    w.folder = mkdtempSync(join(tmpdir(), "sallyport-console-"));
    try {
      await w.startBroker();
    } catch (e) {
      await w.stop();
      throw e;
    }
    return w;
  }

  file(name, content, mode = 0o600) {
    const path = join(this.folder, name);
    if (content !== undefined) writeFileSync(path, content, { mode });
    return path;
  }

  spawn(log, name, args, more = {}, file = program(name)) {
    const out = openSync(this.file(`${log}.log`), "a", 0o600);
    const p = spawn(file, args, { stdio: ["ignore", out, out], ...more });
    p.on("error", (e) => console.error(`${name}: ${e.message}`));
    this.running.push(p);
    return p;
  }

  certificates() {
    const run = (...args) => execFileSync("openssl", args, { cwd: this.folder, stdio: "pipe" });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    run("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Sallyport test CA",
      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign");
    run("req", ...key, "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=localhost");
    this.file("ext", "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n");
    run("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem", "-days", "2", "-extfile", "ext");
  }

  async startBroker() {
    const [port, operations] = [await freePort(), await freePort()];
    this.url = `https://localhost:${port}`;
    this.certificates();
    this.brokerConfig = this.file("broker.yaml", [
      "organisation: Example Org", `public_url: ${this.url}`, `listen: [127.0.0.1:${port}]`, `certificate: ${this.file("cert.pem")}`,
      `key: ${this.file("key.pem")}`, `ca_file: ${this.file("ca.pem")}`, `state: ${this.file("state")}`, "admin_group: builtin/admins",
      "approve_devices: true", "idp: {enabled: true}", `front_socket: ${this.file("front")}`, `operations: 127.0.0.1:${operations}`, ""].join("\n"));
    this.account("alice", "admins,staff");
    this.account("bob", "staff");
    this.account("carol", "admins,staff");
    await this.runBroker();
    const relay = this.file("relay.yaml", `state: ${this.file("relay")}\nfront_socket: ${this.file("front")}\naddresses: [localhost:${port}]\n`);
    this.spawn("relay", "sallyport-relay", ["run", "--config", relay]);
    this.app = httpServer((_, answer) => answer.end("This is the private wiki.\n"));
    this.app.keepAliveTimeout = 0; // a session that waits for its test is not ended by the wiki
    await new Promise((done) => this.app.listen(0, "127.0.0.1", done));
    this.appPort = this.app.address().port;
  }

  async runBroker() {
    this.broker = this.spawn("broker", "sallyport-broker", ["run", "--config", this.brokerConfig]);
    await until("the broker answers", () => spawnSync("curl", ["-sf", "--cacert", this.file("ca.pem"), "-o", "/dev/null", `${this.url}/login`]).status === 0);
  }

  async killBroker() {
    const gone = new Promise((ok) => this.broker.on("exit", ok));
    this.broker.kill("SIGKILL");
    await gone;
  }

  /** The same installation with these lines in its configuration. */
  async restart(more) {
    this.plainConfig ??= readFileSync(this.brokerConfig, "utf8");
    this.file("broker.yaml", this.plainConfig + Object.entries(more).map(([k, v]) => `${k}: ${v}\n`).join(""));
    await this.killBroker();
    await this.runBroker();
  }

  password(name) { return `correct horse ${name}`; }

  account(name, groups) {
    execFileSync(program("sallyport-broker"), ["account", "add", name, "--config", this.brokerConfig, "--password-file", this.file(`pw-${name}`, this.password(name)), "--groups", groups], { stdio: "pipe" });
  }

  /** Runs a command that a page shows, as a person would in a terminal of the connector's host. */
  shell(name, command) {
    const folder = this.file(`host-${name}`);
    mkdirSync(folder);
    const out = openSync(this.file(`${name}.log`), "a", 0o600);
    const path = `${join(build, "connector")}:${process.env.PATH}`;
    const p = spawn("bash", ["-ec", command.replace(/(sallyport-connector run)/, "exec $1")], { cwd: folder, env: { ...process.env, PATH: path }, stdio: ["ignore", out, out] });
    this.running.push(p);
    return p;
  }

  /** A person's machine: an agent and its command line. As root it may have a name of its own. */
  machine(name, hostname) {
    const home = this.file(`home-${name}`);
    for (const d of ["", "state", "run", "config"]) mkdirSync(join(home, d), { recursive: true, mode: 0o700 });
    const env = { ...process.env, HOME: home, XDG_STATE_HOME: join(home, "state"), XDG_RUNTIME_DIR: join(home, "run"), XDG_CONFIG_HOME: join(home, "config") };
    if (hostname && process.getuid() === 0) {
      const named = `import os, socket, sys; socket.sethostname(sys.argv[1].encode()); os.execv(sys.argv[2], sys.argv[2:])`;
      this.spawn(`agent-${name}`, "sallyport", ["--uts", "python3", "-c", named, hostname, program("sallyport"), "agent", "--foreground"], { env }, "unshare");
    } else {
      this.spawn(`agent-${name}`, "sallyport", ["agent", "--foreground"], { env });
    }
    return {
      ready: () => until("the agent listens", () => existsSync(join(home, "run", "sallyport", "agent.sock"))),
      run: (...args) => spawnSync(program("sallyport"), args, { env, encoding: "utf8", timeout: 30_000 }),
      start: (...args) => {
        const p = spawn(program("sallyport"), args, { env, stdio: "pipe" });
        p.said = "";
        p.stdout.on("data", (d) => (p.said += d));
        p.stderr.on("data", (d) => (p.said += d));
        p.stdin.on("error", () => {}); // it may end first
        p.done = new Promise((ok) => p.on("exit", ok));
        this.running.push(p);
        return p;
      },
    };
  }

  async stop() {
    for (const p of this.running) if (p.exitCode === null && p.signalCode === null) p.kill("SIGTERM");
    await Promise.all(this.running.map((p) => p.exitCode !== null || p.signalCode !== null ? null : Promise.race([new Promise((ok) => p.on("exit", ok)), pause(5000).then(() => p.kill("SIGKILL"))])));
    this.app?.close();
    this.app?.closeAllConnections();
    const keep = process.env.SALLYPORT_SHOTS; // the programs' own words, for whoever reads a red run
    if (keep) for (const log of readdirSync(this.folder).filter((f) => f.endsWith(".log"))) copyFileSync(this.file(log), join(keep, log));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
