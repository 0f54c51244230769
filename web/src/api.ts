// Made from broker/api/openapi.yaml by scripts/api.mjs (npm run api). Do not edit.

export type Id = string;

export type Name = string;

export type PolicyName = string;

export type RequestId = string;

export type Time = string;

export type TimeOrNull = string | null;

export type MsOrNull = number | null;

export type CountOrNull = number | null;

export type ReasonText = string;

export interface Reason {
  reason: ReasonText;
}

export interface Ref {
  id: Id;
  name: string;
}

export type RefOrNull = Ref | null;

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  /** login, step_up, role, cross_site, not_found, method, media_type, malformed, invalid,
exists, conflict, precondition, busy, too_many, unreachable, timeout, unavailable,
too_large, internal, second_approval, feed_test
 */
  code: string;
  reasons?: Array<string>;
  remedies?: Array<string>;
  request_id: RequestId;
  /** Where a browser signs in */
  resume?: string;
  /** The lowest that may */
  role?: Role;
  /** Which member is wrong, as in `labels.env` */
  field?: string;
  line?: number;
  column?: number;
  retry_after_ms?: number;
  check?: PolicyCheck;
  /** Of an OpenAPI document */
  faults?: Array<DocumentFault>;
}

export interface Incident {
  id: Id;
  /** owner, bola, enumeration, credential, exfiltration, exposure, function, flow, scanner, inventory, budget */
  detector: string;
  /** GET /accounts/{account_id}; empty: not one endpoint */
  endpoint: string;
  app: Ref;
  connector: Id;
  /** Others of the app's site: what they saw is in this only as far as merged says */
  other_connectors: number;
  /** Of a statistic only: how many of them had told this connector within two hours what is usual among their people */
  merged?: number;
  user: RefOrNull;
  first: Time;
  last: Time;
  score?: number;
  threshold?: number;
  /** Sentences with the numbers that were counted */
  evidence?: Array<string>;
  count?: number;
  mode?: "monitor" | "block";
  /** Requests that a block refused */
  blocked?: number;
  /** Requests that a block would have refused */
  would_have_blocked?: number;
  /** Of the latest request, as all that follows */
  decision?: string;
  /** Of the grant of its session */
  policy_version?: number;
  /** Of the app's record, so of its gateway */
  app_version?: number;
  /** SHA-256 of the API document in force */
  document?: string;
  request_bytes?: number;
  response_bytes?: number;
  latency_us?: number;
}

export interface IncidentPage {
  items: Array<Incident>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface Endpoint {
  id: Id;
  version: number;
  app: Ref;
  method: string;
  /** /users/{user_id}; escape it */
  path: string;
  /** Calls a day (UTC), the last is today */
  week: Array<number>;
  expected: {
    by: Ref;
    at: Time;
    until: Time;
    reason: string;
  } | null;
  states: Array<"documented" | "shadow" | "orphan" | "zombie" | "drift" | "unauthenticated">;
  first_seen: TimeOrNull;
  last_seen: TimeOrNull;
  calls: number;
  users: number;
  /** Answers of 400 and above */
  errors: number;
  /** Until the head of the app's answer */
  p95_us: number;
  /** Requests and answers that the document does not allow */
  violations: number;
  refused: number;
}

export interface EndpointPage {
  items: Array<Endpoint>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface EndpointDetail {
  id: Id;
  version: number;
  app: Ref;
  method: string;
  /** /users/{user_id}; escape it */
  path: string;
  /** Calls a day (UTC), the last is today */
  week: Array<number>;
  expected: {
    by: Ref;
    at: Time;
    until: Time;
    reason: string;
  } | null;
  states: Array<"documented" | "shadow" | "orphan" | "zombie" | "drift" | "unauthenticated">;
  first_seen: TimeOrNull;
  last_seen: TimeOrNull;
  calls: number;
  users: number;
  /** Answers of 400 and above */
  errors: number;
  /** Until the head of the app's answer */
  p95_us: number;
  /** Requests and answers that the document does not allow */
  violations: number;
  refused: number;
  parts: Array<EndpointPart>;
}

export interface SeenName {
  /** As it came; escape it */
  name: string;
  in?: string;
  type?: string;
  /** In every call so far */
  always?: boolean;
  required?: boolean;
  schema?: {
    type?: string;
    format?: string;
  };
}

export interface Quantiles {
  p50: number;
  p95: number;
  p99: number;
}

export interface EndpointPart {
  connector: Ref;
  states: Array<"documented" | "shadow" | "orphan" | "zombie" | "drift" | "unauthenticated">;
  first_seen: TimeOrNull;
  last_seen: TimeOrNull;
  calls: number;
  users: number;
  /** Answers of 400 and above */
  errors: number;
  /** Until the head of the app's answer */
  p95_us: number;
  /** Requests and answers that the document does not allow */
  violations: number;
  refused: number;
  parameters?: Array<SeenName>;
  query?: Array<SeenName>;
  properties?: Array<SeenName>;
  shape?: "object" | "array";
  /** By hundreds */
  statuses?: Record<string, number>;
  latency_us?: Quantiles;
  bytes?: Quantiles;
  groups?: Array<string>;
  with_token?: number;
  ok_without_token?: number;
  tls?: number;
  /** Bits: 1 cards, 2 IBANs, 4 e-mail lists, 8 tokens, 16 private keys, 32 passwords */
  sensitive?: number;
  drift_property?: string;
  drift_since?: Time;
  deprecated?: Time;
  sunset?: Time;
  /** Paths below which words became one parameter: /reports of /reports/{report_id} */
  merged?: Array<string>;
  /** Paths below which words are kept apart */
  split?: Array<string>;
  /** Calls of one person within a minute in which that person called it */
  pace?: {
    /** So many were counted */
    minutes: number;
    p99: number;
    /** Median absolute deviation */
    mad: number;
    /** A limit a minute: p99 + 3 mad; absent while fewer than 30 minutes were seen */
    suggested?: number;
  };
}

export interface GatewayApp {
  app: Ref;
  version: number;
  /** Who answers for it: the app's label owner */
  owner: string | null;
  /** The file that the gateway part names */
  document: string | null;
  /** Today a connector had it in force */
  document_loaded: boolean;
  /** The inventory takes no more endpoints */
  full: boolean;
  endpoints: number;
  documented: number;
  shadow: number;
  orphan: number;
  zombie: number;
  drift: number;
  unauthenticated: number;
  /** Not simply documented and in use; and nobody expects it */
  unexpected: number;
  calls: number;
  violations: number;
  refused: number;
  /** Of 7 days; null while no connector has told */
  coverage: Coverage | null;
}

export interface Coverage {
  requests: number;
  /** Of an operation of the document */
  documented: number;
  /** With a verified access token */
  token: number;
  /** Under an owner rule */
  owner: number;
  /** Bodies that rules read */
  read: number;
  not_read: {
    /** No rule wanted to read them */
    not_asked: number;
    oversize: number;
    streaming: number;
    coding: number;
    media_type: number;
    broken: number;
  };
  /** Refusals that were too many to tell apart */
  hits_lost: number;
}

export interface GatewayHit {
  app: Ref;
  app_version: number;
  reason: string;
  rule: string;
  /** Where its mode stands: detectors.bola; null: it has none */
  part: string | null;
  /** As it is now */
  mode: "off" | "monitor" | "block" | null;
  people: number;
  blocked: number;
  /** Would have been refused */
  monitor: number;
  first: Time;
  last: Time;
}

export interface Document {
  /** of its bytes */
  sha256: string;
  /** of the app that named it first */
  version: number;
  title: string;
  document_version: string;
  size: number;
  operations: number;
  warnings: number;
  note: string;
  by: Ref;
  at: string;
  in_force: boolean;
}

export interface DocumentChanged {
  app: Ref;
  version: number;
  /** sha256:HEX */
  document: string;
  /** What stays unchecked */
  warnings: Array<DocumentFault>;
  /** Bytes of the upload so far; 0 of one that is put in force again */
  received: number;
}

export interface DocumentFault {
  error: boolean;
  pointer: string;
  text: string;
}

export interface AppVersion {
  app: Ref;
  version: number;
}

export interface ReplayCount {
  decisions: number;
  people: number;
}

export interface PolicyReplay {
  since: Time;
  /** How many were looked at */
  decisions: number;
  /** Decided as then */
  same: number;
  /** Their facts were not kept; they are never guessed */
  undecidable: number;
  complete: boolean;
  newly_denied: ReplayCount;
  newly_allowed: ReplayCount;
  newly_step_up: ReplayCount;
  /** Up to 50 of each change, those with the most decisions first */
  people: Array<{
    change: "denied" | "allowed" | "step_up";
    user: RefOrNull;
    decisions: number;
    /** Why their newest one would come out otherwise */
    reason: string;
    time: Time;
    request_id: string;
  }>;
  /** Sessions that run now, decided again by the draft */
  live: {
    total: number;
    /** At most 5000 of them */
    looked: number;
    /** How many of those would end */
    cut: number;
    /** The first 100 that would end */
    sessions: Array<{
      id: Id;
      user: RefOrNull;
      app: RefOrNull;
      reason: string;
    }>;
  };
  /** The newest 100 that differ */
  changes: Array<{
    change: "denied" | "allowed" | "step_up";
    time: Time;
    request_id: string;
    user: RefOrNull;
    app: RefOrNull;
    /** allow via payroll/hr */
    was: string;
    would: string;
  }>;
}

export type ViewPage = "apps" | "users" | "devices" | "sessions" | "requests" | "audit" | "incidents" | "endpoints" | "sites" | "policies";

export type ViewQuery = string;

export interface SavedView {
  id: Id;
  page: ViewPage;
  name: string;
  query: string;
  /** Everyone who sees the list sees it */
  shared: boolean;
  owner: RefOrNull;
  mine: boolean;
  version: number;
}

export interface AccessRequest {
  id: Id;
  /** The request id that the person got, such as R-7Q2M4K */
  ref: string;
  user: Ref;
  /** null when asked in a browser */
  device: RefOrNull;
  app: Ref;
  /** What the person said */
  reason: string;
  /** Why access is closed, in words */
  denied: string;
  /** How long was asked for */
  for_ms: number;
  /** lapsed: nobody answered for 7 days; over: approved, and its end has come */
  state: "waiting" | "approved" | "refused" | "withdrawn" | "ended" | "lapsed" | "over";
  created: Time;
  decided: TimeOrNull;
  decided_by: RefOrNull;
  /** The reason of who answered */
  answer: string | null;
  until: TimeOrNull;
  /** The group that may answer; only where it was just filed */
  approvers?: string;
}

export interface AccessRequestPage {
  items: Array<AccessRequest>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export type Role = "person" | "viewer" | "operator" | "admin";

export type FactorKind = "none" | "any" | "otp" | "phishing_resistant";

export interface Me {
  user: RefOrNull;
  role: Role;
  provider: string;
  login: {
    kind: "browser" | "device" | "token";
    auth_at: TimeOrNull;
    mfa_at: TimeOrNull;
    mfa_kind: FactorKind;
    expires: Time;
  };
  broker: {
    /** The installation's name for people */
    name: string;
    version: string;
    /** sallyport-broker dev: show the banner */
    evaluation: boolean;
    time: Time;
    /** Of the broker's identity key */
    fingerprint: string;
  };
}

export interface Overview {
  at: Time;
  sessions_live: number;
  opened_24h: number;
  denied_24h: number;
  users: number;
  apps: number;
  devices: {
    approved: number;
    pending: number;
    blocked: number;
    /** Approved devices whose signals all pass */
    passing: number;
    /** Approved devices with a failing signal */
    failing: number;
    /** Approved devices, none failing, with an unknown signal */
    unknown: number;
  };
  cuts_24h: {
    count: number;
    median_ms: MsOrNull;
    worst_ms: MsOrNull;
  };
  /** From the grant to the first word of relay or connector that the session runs */
  opens_24h: {
    /** Of this start of the broker; the last 4096 at most */
    count: number;
    median_ms: MsOrNull;
    p95_ms: MsOrNull;
  };
  /** The last 24 hours, oldest first; a missing hour is a gap, not zero */
  hours: Array<{
    from: Time;
    opened: number;
    denied: number;
  }>;
  /** Why sessions were refused in the last 24 hours, most frequent first */
  reasons: Array<{
    code: string;
    text: string;
    count: number;
  }>;
  /** The newest eight */
  denials: Array<AuditRecord>;
  /** What waits for an admin, oldest first */
  needs: Array<{
    code: "device_pending" | "request_waiting" | "connector_silent" | "site_without_connector" | "app_without_policy" | "user_without_factor" | "chain_broken" | "policy_finding" | "site_without_spare" | "draft_waiting" | "certificate_ends" | "provider_failing" | "feed_failing" | "first_steps";
    severity: "info" | "warn" | "bad";
    title: string;
    detail: string;
    since: TimeOrNull;
    /** Path in the console: /devices/ID */
    link: string;
  }>;
  sites: Array<Site>;
  chain: Verification;
}

export interface Health {
  ready: boolean;
  checks: Array<{
    name: string;
    ok: boolean;
    text: string;
  }>;
}

export interface LiveEvent {
  /** Rises by one an event of this broker */
  id: number;
  t: "session.open" | "session.change" | "session.end" | "user.change" | "device.change" | "connector.change" | "relay.change" | "site.change" | "app.change" | "policy.change" | "request.change";
  d: {
    session?: Session;
    object?: Id;
  };
}

export type AppType = "tcp" | "http" | "ssh";

export type Labels = Record<string, string>;

export type Duration = string;

export interface Limits {
  session_max?: Duration;
  idle?: Duration;
  reverify?: Duration;
  step_up?: {
    kind: "any" | "otp" | "phishing_resistant";
    every: Duration;
  };
}

export interface AppInput {
  name: Name;
  /** For people; may be empty */
  description: string;
  site: Id;
  type: AppType;
  /** Name or address, resolved by the connector */
  host: string;
  port: number;
  labels: Labels;
  limits: Limits;
  cut_through: "auto" | "off";
  /** YAML text or an object; null: none; absent: as it was */
  gateway?: string | Record<string, unknown> | null;
}

export interface App {
  id: Id;
  version: number;
  name: Name;
  description: string;
  site: Ref;
  type: AppType;
  host: string;
  port: number;
  labels: Labels;
  limits: Limits;
  cut_through: "auto" | "off";
  /** What the connector checks of each request, YAML; http apps only; null: nothing */
  gateway: string | null;
  level: "L0" | "L1" | "L2" | "L3" | "L4";
  /** Enforced policies with an allow rule that name it */
  policies: Array<string>;
  sessions_live: number;
  state: "reachable" | "no_connector" | "no_policy";
  changed_at: TimeOrNull;
}

export interface AppPage {
  items: Array<App>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface AppTest {
  connector: Ref;
  result: "ok" | "refused" | "no_answer" | "name" | "floor" | "record" | "unreachable" | "no_connector_answer";
  /** What the name resolved to */
  address: string | null;
  text: string;
  took_ms: MsOrNull;
}

export type PolicyText = string;

export interface PolicyInput {
  text: PolicyText;
  /** What changes and why; may be empty */
  note: string;
}

export type PolicyMode = "enforce" | "shadow" | "off";

export interface PolicyRow {
  name: PolicyName;
  mode: PolicyMode;
  /** Where it begins in the document */
  line: number;
  /** In words: all apps · wiki, payroll · tier=internal */
  covers: string;
  /** Names of its rules */
  allow: Array<string>;
  deny: Array<string>;
  /** How many requirements */
  require: number;
  /** No allow rule */
  guardrail: boolean;
  findings: number;
}

export interface Policy {
  name: PolicyName;
  /** Of the whole document */
  version: number;
  mode: PolicyMode;
  line: number;
  covers: string;
  text: PolicyText;
}

export interface PolicyDraft {
  id: Id;
  /** null: the whole document */
  policy: string | null;
  /** Version of the document that it was written against */
  base: number;
  note: string;
  /** null in lists */
  text: PolicyText | null;
  by: RefOrNull;
  mine: boolean;
  /** Whoever asks may put it in force */
  may_approve: boolean;
  created: Time;
  updated: Time;
  version: number;
}

export interface PolicyVersion {
  version: number;
  at: Time;
  by: RefOrNull;
  note: string;
  /** null in lists */
  text: PolicyText | null;
  in_force: boolean;
}

export interface PolicyVersionPage {
  items: Array<PolicyVersion>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface Finding {
  severity: "error" | "warn";
  text: string;
  field: string;
  /** From 1; 0 when the whole is meant */
  line: number;
  column: number;
  policy: string | null;
}

export interface PolicyCheck {
  /** It could be put in force */
  ok: boolean;
  findings: Array<Finding>;
  /** The rules of the text in words; empty while it can't be read, at most 500 */
  rules: Array<{
    policy: string;
    rule: string;
    effect: "deny" | "require" | "allow";
    /** Where the rule begins in the text that was sent */
    line: number;
    text: string;
  }>;
  tests: {
    passed: number;
    failed: number;
  };
}

export interface Simulation {
  user: Id;
  app: Id;
  device?: Id | null;
  /** A draft in place of the document in force */
  text?: PolicyText | null;
  /** Set: the text is this policy's only, and the others stay in force */
  policy?: PolicyName | null;
  /** In place of those that are known now */
  facts?: SimulatedFacts | null;
}

export interface SimulatedFacts {
  at?: Time;
  /** The peer's address */
  network?: string;
  groups?: Array<string>;
  country?: string;
  risk?: "low" | "medium" | "high";
  mfa?: {
    kind: "any" | "otp" | "phishing_resistant";
    age: Duration;
  };
  posture?: Array<{
    signal: string;
    /** pass, fail, a version, a number */
    value: string | number;
    source?: string;
    assurance?: Assurance;
    age?: Duration;
  }>;
}

export interface SiteInput {
  name: Name;
}

export interface Site {
  id: Id;
  name: Name;
  connectors: number;
  connectors_online: number;
  apps: number;
  sessions_live: number;
  /** spare: two or more connectors online · single: one · silent: none of its connectors · empty: it has none */
  state: "spare" | "single" | "silent" | "empty";
}

export interface SitePage {
  items: Array<Site>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export type ConnectorState = "online" | "silent" | "draining" | "revoked";

export interface Connector {
  id: Id;
  name: string;
  site: Ref;
  state: ConnectorState;
  fingerprint: string;
  software: string | null;
  address: string | null;
  online_since: TimeOrNull;
  last_seen: TimeOrNull;
  rtt_ms: MsOrNull;
  relays: Array<Ref>;
  sessions_live: number;
  enrolled_at: TimeOrNull;
}

export interface ConnectorPage {
  items: Array<Connector>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface EnrolTokenInput {
  /** What the connector or relay will be called */
  name: string;
  life_ms: number;
}

export interface EnrolToken {
  id: Id;
  name: string;
  /** null: it is for a relay */
  site: Ref | null;
  state: "waiting" | "used" | "expired";
  made_at: Time;
  expires: Time;
  /** The connector or relay that used it */
  edge: RefOrNull;
}

export interface EnrolTokenMade {
  id: Id;
  name: string;
  expires: Time;
  /** The whole string for `enrol --token-file`: broker, pin and secret */
  enrolment: string;
}

export interface Relay {
  id: Id;
  name: string;
  region: string;
  state: ConnectorState;
  addresses: Array<string>;
  tunnels: CountOrNull;
  sessions_live: number;
  last_seen: TimeOrNull;
  software: string | null;
}

export type UserState = "active" | "locked";

export interface User {
  id: Id;
  /** The registry name, which policies use */
  name: string;
  display: string;
  /** For display; it authorises nobody */
  email: string;
  provider: string;
  /** `sub` at the provider */
  subject: string;
  state: UserState;
  role: Role;
  /** idp/group */
  groups: Array<string>;
  groups_known: boolean;
  factor: "none" | "totp" | "totp_locked";
  recovery_left: CountOrNull;
  devices: number;
  sessions_live: number;
  signed_in_at: TimeOrNull;
}

export interface UserPage {
  items: Array<User>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface Group {
  /** idp/group */
  name: string;
  provider: string;
  members: number;
}

export interface GroupPage {
  items: Array<Group>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export type DeviceState = "pending" | "approved" | "blocked" | "lost";

export type Verdict = "pass" | "fail" | "unknown" | "value";

export type Assurance = "self" | "signed" | "attested" | "vendor";

export interface Device {
  id: Id;
  name: string;
  user: RefOrNull;
  state: DeviceState;
  owner: "user" | "other" | "organisation" | "unknown";
  key: {
    algorithm: "ed25519" | "p256";
    kind: "software" | "hardware";
    fingerprint: string;
  };
  os: string | null;
  /** Version of the agent */
  agent: string | null;
  address: string | null;
  online: boolean;
  first_seen: TimeOrNull;
  last_seen: TimeOrNull;
  posture: {
    pass: number;
    fail: number;
    unknown: number;
    reported_at: TimeOrNull;
  };
  sessions_live: number;
}

export interface Signal {
  signal: string;
  verdict: Verdict;
  value: string | number | boolean | null;
  /** In words: why it is unknown, what was seen */
  text: string;
  source: string | null;
  assurance: Assurance | null;
  observed_at: TimeOrNull;
  expires_at: TimeOrNull;
  stale: boolean;
  /** All that say something of it, the one that decides first */
  sources: Array<SignalSource>;
  /** Policies that ask for it */
  asked_by: Array<string>;
}

export interface SignalSource {
  source: string;
  assurance: Assurance;
  value: string | number | boolean | null;
  text: string;
  observed_at: TimeOrNull;
  expires_at: TimeOrNull;
  stale: boolean;
}

export interface DeviceDetail {
  device: Device;
  serials: Array<string>;
  signals: Array<Signal>;
  /** What its owner may open with it now */
  apps: Array<{
    app: Ref;
    result: Result;
    reason: string;
  }>;
}

export interface DevicePage {
  items: Array<Device>;
  next: string | null;
  total: number;
  total_exact: boolean;
}

export interface Session {
  id: Id;
  user: Ref;
  device: Ref;
  app: Ref;
  connector: RefOrNull;
  relay: RefOrNull;
  /** granted: a grant left, no edge has reported it yet */
  state: "granted" | "live" | "paused" | "cutting" | "cut" | "ended";
  opened: Time;
  deadline: TimeOrNull;
  idle_ms: MsOrNull;
  /** To the app */
  bytes_up: number;
  /** From the app */
  bytes_down: number;
  /** Of the last decision */
  policy_version: number;
  /** policy/rule */
  rule: string;
  request_id: RequestId | null;
  address: string | null;
  cut: CutOne | null;
}

export interface SessionPage {
  items: Array<Session>;
  next: string | null;
  total: number;
  total_exact: boolean;
  cuts_24h: {
    count: number;
    median_ms: MsOrNull;
    worst_ms: MsOrNull;
  };
}

export interface CutOne {
  id: Id;
  user: RefOrNull;
  app: RefOrNull;
  /** Relay and connector both reported their last byte */
  confirmed: boolean;
  /** The later of the two */
  took_ms: MsOrNull;
  relay_ms: MsOrNull;
  connector_ms: MsOrNull;
  /** Names of the edges that have not answered yet */
  silent: Array<string>;
}

export interface RecoveryCodes {
  codes: Array<string>;
}

export interface Cut {
  killed: number;
  /** From the decision to the last byte, worst session */
  took_ms: MsOrNull;
  sessions: Array<CutOne>;
}

export type AuditResult = "ok" | "denied" | "error";

export interface AuditRecord {
  shard: number;
  seq: number;
  time: Time;
  action: string;
  /** SP-A031I */
  code: string;
  result: AuditResult;
  actor: AuditParty;
  object: AuditParty | null;
  /** Whose account it concerns */
  user: string | null;
  device: string | null;
  app: string | null;
  session: string | null;
  text: string;
  request_id: RequestId | null;
  address: string | null;
  hash: string;
  /** The record's own members */
  details: Record<string, unknown>;
}

export interface AuditParty {
  kind: string;
  id: string | null;
  name: string;
}

export interface AuditPage {
  items: Array<AuditRecord>;
  next: string | null;
  chain: Verification;
}

export interface Verification {
  state: "verified" | "broken" | "never";
  at: TimeOrNull;
  took_ms: MsOrNull;
  shards: Array<{
    shard: number;
    from: number;
    to: number;
    /** Of the last good record */
    hash: string;
    broken_at: number | null;
    text: string;
  }>;
}

export type Result = "allow" | "step_up" | "deny";

export type Truth = "true" | "false" | "unknown";

export interface Condition {
  /** groups, mfa, posture:disk_encryption, … */
  key: string;
  /** What is asked; not kept with a decision of the past */
  text?: string;
  value: Truth;
  /** What is known, in words */
  fact?: string;
  source?: string | null;
  assurance?: string | null;
  age_ms?: MsOrNull;
}

export interface TraceRule {
  policy: string;
  rule: string;
  line?: number;
  value: Truth;
  /** It is one of those that made the result */
  decides?: boolean;
  message?: string | null;
  conditions: Array<Condition>;
}

export interface Trace {
  request_id: RequestId | null;
  at: Time;
  user: RefOrNull;
  device: RefOrNull;
  app: RefOrNull;
  result: Result;
  /** ok, error, groups_unknown, not_visible, deny_rule, requirement, no_allow, step_up */
  reason: string;
  reasons: Array<string>;
  remedies: Array<string>;
  /** allow via payroll/hr */
  decided: string;
  policy_version: number;
  require: Array<TraceRule>;
  allow: Array<TraceRule>;
  deny: Array<TraceRule>;
  limits: {
    session_max_ms: MsOrNull;
    idle_ms: MsOrNull;
    reverify_ms: MsOrNull;
    step_up_kind: FactorKind | null;
    step_up_every_ms: MsOrNull;
  };
  /** What would change the result; absent where a decision of the past can't be made again */
  changes_it?: Array<string>;
  /** A smallest set of facts that would turn it, an allowance too; not kept with a decision of the past */
  opposite?: Array<string>;
  /** What it was decided from */
  facts: Record<string, unknown>;
}

export interface Provider {
  name: string;
  title: string;
  issuer: string;
  built_in: boolean;
  groups_claim: string;
  /** unused: not asked since the start */
  state: "ok" | "failing" | "unused";
  text: string;
  checked_at: TimeOrNull;
}

export type FeedName = "crowdstrike" | "intune";

export interface FeedVendor {
  name: FeedName;
  title: string;
  /** The account stands in a tenant */
  tenant: boolean;
  /** That the API client needs at the vendor */
  permission: string;
  signals: Array<string>;
  regions: Array<string>;
}

export interface Feed {
  name: FeedName;
  title: string;
  state: "not_asked" | "ok" | "failing";
  /** What came of the last call */
  text: string;
  /** A call is under way */
  busy: boolean;
  /** Of the last good answer */
  devices: {
    told: number;
    joined: number;
    not_joined: number;
  };
  /** What it says of a device */
  signals: Array<string>;
  /** As policies and traces name it */
  source: string;
  permission: string;
  region: string | null;
  base_url: string;
  login_url: string;
  tenant: string | null;
  client_id: string;
  interval_ms: number;
  /** How long a value counts after the answer */
  ttl_ms: number;
  tried_at: TimeOrNull;
  ok_at: TimeOrNull;
  failing_since: TimeOrNull;
  stale_at: TimeOrNull;
  next_at: TimeOrNull;
}

export interface FeedInput {
  /** One of the vendor's; the usual one where neither it nor addresses are given */
  region?: string | null;
  base_url?: string | null;
  login_url?: string | null;
  tenant?: string | null;
  client_id: string;
  /** null: as it is */
  secret?: string | null;
  interval_ms?: number | null;
  /** Not below the interval; twice the interval where it is not given */
  ttl_ms?: number | null;
  /** Why it is kept without a passing test */
  untested?: string | null;
}

export interface FeedSecretInput {
  secret: string;
  untested?: string | null;
}

export interface FeedTest {
  ok: boolean;
  text: string;
  /** Of the last answer */
  status: number | null;
  /** On the first page */
  devices: number;
  ms: number;
}

export interface FeedUnjoined {
  /** The vendor's */
  id: string;
  serial: string | null;
  why: "no_serial" | "placeholder" | "two_records" | "no_device" | "two_devices";
}

export interface Settings {
  name: string;
  /** A policy comes into force by another admin than its author */
  second_approval: boolean;
  public_url: string;
  fingerprint: string;
  /** Which group gives which role */
  roles: Array<{
    role: Role;
    group: string;
  }>;
  login: {
    life_ms: number;
    idle_ms: number;
  };
  tunnel: {
    cut_through: "auto" | "off";
    front: "direct" | "l7";
  };
  keys: Array<{
    purpose: "identity" | "grant" | "record";
    kid: string;
    from: TimeOrNull;
    until: TimeOrNull;
  }>;
}

export const operations = {
  openapi: { method: "GET", path: "/api/openapi.json", role: "public" },
  bootstrapSpend: { method: "POST", path: "/api/v1/bootstrap", role: "public" },
  bootstrapEnd: { method: "DELETE", path: "/api/v1/bootstrap", role: "admin" },
  me: { method: "GET", path: "/api/v1/me", role: "person" },
  meFactor: { method: "POST", path: "/api/v1/me/factor", role: "person" },
  meSignOut: { method: "POST", path: "/api/v1/me/sign-out", role: "person" },
  meRequestList: { method: "GET", path: "/api/v1/me/requests", role: "person" },
  meRequestCreate: { method: "POST", path: "/api/v1/me/requests", role: "person" },
  meRequestWithdraw: { method: "DELETE", path: "/api/v1/me/requests/{id}", role: "person" },
  incidentList: { method: "GET", path: "/api/v1/incidents", role: "viewer" },
  incidentGet: { method: "GET", path: "/api/v1/incidents/{id}", role: "viewer" },
  incidentExpect: { method: "POST", path: "/api/v1/incidents/{id}/expect", role: "operator" },
  endpointList: { method: "GET", path: "/api/v1/endpoints", role: "viewer" },
  endpointGet: { method: "GET", path: "/api/v1/endpoints/{id}", role: "viewer" },
  endpointExpect: { method: "PUT", path: "/api/v1/endpoints/{id}/expected", role: "operator" },
  endpointUnexpect: { method: "DELETE", path: "/api/v1/endpoints/{id}/expected", role: "operator" },
  endpointRetire: { method: "POST", path: "/api/v1/endpoints/{id}/retire", role: "admin" },
  endpointSplit: { method: "POST", path: "/api/v1/endpoints/{id}/split", role: "admin" },
  endpointLimit: { method: "POST", path: "/api/v1/endpoints/{id}/limit", role: "admin" },
  endpointMerge: { method: "POST", path: "/api/v1/endpoints/{id}/merge", role: "admin" },
  gatewayList: { method: "GET", path: "/api/v1/gateway/apps", role: "viewer" },
  gatewayHits: { method: "GET", path: "/api/v1/gateway/hits", role: "viewer" },
  gatewayPeople: { method: "GET", path: "/api/v1/gateway/people", role: "viewer" },
  requestList: { method: "GET", path: "/api/v1/requests", role: "viewer" },
  requestGet: { method: "GET", path: "/api/v1/requests/{id}", role: "viewer" },
  requestApprove: { method: "POST", path: "/api/v1/requests/{id}/approve", role: "operator" },
  requestRefuse: { method: "POST", path: "/api/v1/requests/{id}/refuse", role: "operator" },
  requestEnd: { method: "POST", path: "/api/v1/requests/{id}/end", role: "operator" },
  overview: { method: "GET", path: "/api/v1/overview", role: "viewer" },
  health: { method: "GET", path: "/api/v1/health", role: "viewer" },
  appList: { method: "GET", path: "/api/v1/apps", role: "viewer" },
  appCreate: { method: "POST", path: "/api/v1/apps", role: "admin" },
  appGet: { method: "GET", path: "/api/v1/apps/{id}", role: "viewer" },
  appUpdate: { method: "PUT", path: "/api/v1/apps/{id}", role: "admin" },
  appRemove: { method: "DELETE", path: "/api/v1/apps/{id}", role: "admin" },
  appDraft: { method: "GET", path: "/api/v1/apps/{id}/draft", role: "viewer" },
  documentPut: { method: "PUT", path: "/api/v1/apps/{id}/document", role: "admin" },
  documentList: { method: "GET", path: "/api/v1/apps/{id}/documents", role: "viewer" },
  documentGet: { method: "GET", path: "/api/v1/apps/{id}/documents/{sha256}", role: "viewer" },
  documentRestore: { method: "POST", path: "/api/v1/apps/{id}/documents/{sha256}/restore", role: "admin" },
  gatewayMode: { method: "PUT", path: "/api/v1/apps/{id}/gateway/mode", role: "admin" },
  appTest: { method: "POST", path: "/api/v1/apps/{id}/test", role: "operator" },
  policyList: { method: "GET", path: "/api/v1/policies", role: "viewer" },
  policyGet: { method: "GET", path: "/api/v1/policies/{name}", role: "viewer" },
  policyPut: { method: "PUT", path: "/api/v1/policies/{name}", role: "admin" },
  policyRemove: { method: "DELETE", path: "/api/v1/policies/{name}", role: "admin" },
  policyDocument: { method: "GET", path: "/api/v1/policy", role: "viewer" },
  policyDocumentPut: { method: "PUT", path: "/api/v1/policy", role: "admin" },
  policyCheck: { method: "POST", path: "/api/v1/policy/check", role: "viewer" },
  policySimulate: { method: "POST", path: "/api/v1/policy/simulate", role: "viewer" },
  policyReplay: { method: "POST", path: "/api/v1/policy/replay", role: "viewer" },
  draftList: { method: "GET", path: "/api/v1/policy/drafts", role: "viewer" },
  draftCreate: { method: "POST", path: "/api/v1/policy/drafts", role: "admin" },
  draftGet: { method: "GET", path: "/api/v1/policy/drafts/{id}", role: "viewer" },
  draftUpdate: { method: "PUT", path: "/api/v1/policy/drafts/{id}", role: "admin" },
  draftRemove: { method: "DELETE", path: "/api/v1/policy/drafts/{id}", role: "admin" },
  draftApprove: { method: "POST", path: "/api/v1/policy/drafts/{id}/approve", role: "admin" },
  policyHistory: { method: "GET", path: "/api/v1/policy/versions", role: "viewer" },
  policyVersion: { method: "GET", path: "/api/v1/policy/versions/{version}", role: "viewer" },
  policyRollback: { method: "POST", path: "/api/v1/policy/versions/{version}/rollback", role: "admin" },
  siteList: { method: "GET", path: "/api/v1/sites", role: "viewer" },
  siteCreate: { method: "POST", path: "/api/v1/sites", role: "admin" },
  siteGet: { method: "GET", path: "/api/v1/sites/{id}", role: "viewer" },
  siteRemove: { method: "DELETE", path: "/api/v1/sites/{id}", role: "admin" },
  siteTokenList: { method: "GET", path: "/api/v1/sites/{id}/tokens", role: "operator" },
  siteTokenCreate: { method: "POST", path: "/api/v1/sites/{id}/tokens", role: "admin" },
  tokenGet: { method: "GET", path: "/api/v1/tokens/{id}", role: "operator" },
  tokenRevoke: { method: "DELETE", path: "/api/v1/tokens/{id}", role: "admin" },
  connectorList: { method: "GET", path: "/api/v1/connectors", role: "viewer" },
  connectorGet: { method: "GET", path: "/api/v1/connectors/{id}", role: "viewer" },
  connectorJwks: { method: "GET", path: "/api/v1/connectors/{id}/jwks.json", role: "public" },
  connectorRevoke: { method: "POST", path: "/api/v1/connectors/{id}/revoke", role: "admin" },
  relayList: { method: "GET", path: "/api/v1/relays", role: "viewer" },
  relayTokenCreate: { method: "POST", path: "/api/v1/relays/tokens", role: "admin" },
  relayRevoke: { method: "POST", path: "/api/v1/relays/{id}/revoke", role: "admin" },
  userList: { method: "GET", path: "/api/v1/users", role: "viewer" },
  userGet: { method: "GET", path: "/api/v1/users/{id}", role: "viewer" },
  userLock: { method: "POST", path: "/api/v1/users/{id}/lock", role: "admin" },
  userUnlock: { method: "POST", path: "/api/v1/users/{id}/unlock", role: "admin" },
  userSignOut: { method: "POST", path: "/api/v1/users/{id}/sign-out", role: "operator" },
  userResetTotp: { method: "POST", path: "/api/v1/users/{id}/reset-totp", role: "admin" },
  userRecoveryCodes: { method: "POST", path: "/api/v1/users/{id}/recovery-codes", role: "admin" },
  groupList: { method: "GET", path: "/api/v1/groups", role: "viewer" },
  deviceList: { method: "GET", path: "/api/v1/devices", role: "viewer" },
  deviceGet: { method: "GET", path: "/api/v1/devices/{id}", role: "viewer" },
  deviceApprove: { method: "POST", path: "/api/v1/devices/{id}/approve", role: "operator" },
  deviceBlock: { method: "POST", path: "/api/v1/devices/{id}/block", role: "operator" },
  deviceAsk: { method: "POST", path: "/api/v1/devices/{id}/ask", role: "operator" },
  deviceRevoke: { method: "POST", path: "/api/v1/devices/{id}/revoke", role: "admin" },
  sessionList: { method: "GET", path: "/api/v1/sessions", role: "viewer" },
  sessionGet: { method: "GET", path: "/api/v1/sessions/{id}", role: "viewer" },
  sessionKill: { method: "POST", path: "/api/v1/sessions/{id}/kill", role: "operator" },
  sessionKillMany: { method: "POST", path: "/api/v1/sessions/kill", role: "operator" },
  auditList: { method: "GET", path: "/api/v1/audit", role: "viewer" },
  auditGet: { method: "GET", path: "/api/v1/audit/records/{shard}/{seq}", role: "viewer" },
  auditExport: { method: "GET", path: "/api/v1/audit/export", role: "operator" },
  auditVerification: { method: "GET", path: "/api/v1/audit/verification", role: "viewer" },
  auditVerify: { method: "POST", path: "/api/v1/audit/verification", role: "operator" },
  whyRequest: { method: "GET", path: "/api/v1/why/{request}", role: "viewer" },
  whyNow: { method: "GET", path: "/api/v1/why", role: "viewer" },
  viewList: { method: "GET", path: "/api/v1/views", role: "viewer" },
  viewCreate: { method: "POST", path: "/api/v1/views", role: "viewer" },
  viewUpdate: { method: "PUT", path: "/api/v1/views/{id}", role: "viewer" },
  viewRemove: { method: "DELETE", path: "/api/v1/views/{id}", role: "viewer" },
  providerList: { method: "GET", path: "/api/v1/providers", role: "viewer" },
  feedList: { method: "GET", path: "/api/v1/feeds", role: "viewer" },
  feedGet: { method: "GET", path: "/api/v1/feeds/{name}", role: "viewer" },
  feedPut: { method: "PUT", path: "/api/v1/feeds/{name}", role: "admin" },
  feedRemove: { method: "DELETE", path: "/api/v1/feeds/{name}", role: "admin" },
  feedSecret: { method: "POST", path: "/api/v1/feeds/{name}/secret", role: "admin" },
  feedTest: { method: "POST", path: "/api/v1/feeds/{name}/test", role: "operator" },
  feedSync: { method: "POST", path: "/api/v1/feeds/{name}/sync", role: "operator" },
  feedUnjoined: { method: "GET", path: "/api/v1/feeds/{name}/not-joined", role: "viewer" },
  settings: { method: "GET", path: "/api/v1/settings", role: "viewer" },
} as const;

export interface Operations {
  openapi: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Record<string, unknown>;
  };
  bootstrapSpend: {
    path: undefined;
    query: undefined;
    body: {
    token: string;
  };
    ok: {
    session: string;
    role: Role;
    expires: string;
  };
  };
  bootstrapEnd: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  me: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Me;
  };
  meFactor: {
    path: undefined;
    query: undefined;
    body: {
    code: string;
  };
    ok: {
    mfa_at: string;
    kind: FactorKind;
  };
  };
  meSignOut: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  meRequestList: {
    path: undefined;
    query: { after?: string; limit?: number; state?: "waiting" | "approved" | "refused" | "withdrawn" | "ended" | "lapsed" | "over" };
    body: undefined;
    ok: AccessRequestPage;
  };
  meRequestCreate: {
    path: undefined;
    query: undefined;
    body: {
    /** Its name */
    app: string;
    reason: string;
    for_ms?: number;
  };
    ok: AccessRequest;
  };
  meRequestWithdraw: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: AccessRequest;
  };
  incidentList: {
    path: undefined;
    query: { after?: string; limit?: number; detector?: string; user?: Id; app?: Id };
    body: undefined;
    ok: IncidentPage;
  };
  incidentGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: Incident;
  };
  incidentExpect: {
    path: { id: Id };
    query: undefined;
    body: {
    until: Time;
    reason: string;
    /** Instead of the person */
    group?: string;
  };
    ok: {
    until: Time;
    reason: string;
    group: string | null;
  };
  };
  endpointList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string; app?: Id; method?: string; state?: "documented" | "shadow" | "orphan" | "zombie" | "drift" | "unauthenticated" | "unexpected"; sort?: "path" | "-calls" | "-last_seen" | "-errors" | "-p95_us" | "-violations" };
    body: undefined;
    ok: EndpointPage;
  };
  endpointGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: EndpointDetail;
  };
  endpointExpect: {
    path: { id: Id };
    query: undefined;
    body: {
    until: Time;
    reason: string;
  };
    ok: EndpointDetail;
  };
  endpointUnexpect: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: EndpointDetail;
  };
  endpointRetire: {
    path: { id: Id };
    query: undefined;
    body: {
    /** A day such as 2026-12-31 */
    deprecated?: string;
    sunset?: string;
    /** A path or a URL */
    successor?: string;
    after?: "monitor" | "block";
  };
    ok: AppVersion;
  };
  endpointSplit: {
    path: { id: Id };
    query: undefined;
    body: {
    /** /reports of /reports/{report_id} */
    below: string;
  };
    ok: AppVersion;
  };
  endpointLimit: {
    path: { id: Id };
    query: undefined;
    body: {
    per_minute: number;
    /** monitor where it is not given */
    mode?: "monitor" | "block";
  };
    ok: AppVersion;
  };
  endpointMerge: {
    path: { id: Id };
    query: undefined;
    body: {
    /** A path of the app's list split */
    below: string;
  };
    ok: AppVersion;
  };
  gatewayList: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: {
    items: Array<GatewayApp>;
  };
  };
  gatewayHits: {
    path: undefined;
    query: { app?: Id };
    body: undefined;
    ok: {
    items: Array<GatewayHit>;
  };
  };
  gatewayPeople: {
    path: undefined;
    query: { app: Id; reason: string; rule?: string };
    body: undefined;
    ok: {
    items: Array<{
      user: RefOrNull;
      /** One of those that were asked */
      endpoint: string;
      blocked: number;
      monitor: number;
      first: Time;
      last: Time;
    }>;
  };
  };
  requestList: {
    path: undefined;
    query: { after?: string; limit?: number; state?: "waiting" | "approved" | "refused" | "withdrawn" | "ended" | "lapsed" | "over"; user?: Id; app?: Id };
    body: undefined;
    ok: AccessRequestPage;
  };
  requestGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: AccessRequest;
  };
  requestApprove: {
    path: { id: Id };
    query: undefined;
    body: {
    /** From now; as asked for, at most a day, unless given */
    for_ms?: number;
    reason?: string;
  };
    ok: AccessRequest;
  };
  requestRefuse: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: AccessRequest;
  };
  requestEnd: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: AccessRequest;
  };
  overview: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Overview;
  };
  health: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Health;
  };
  appList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string; name?: Name; site?: Id; type?: AppType; asked?: "nobody" };
    body: undefined;
    ok: AppPage;
  };
  appCreate: {
    path: undefined;
    query: undefined;
    body: AppInput;
    ok: App;
  };
  appGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: App;
  };
  appUpdate: {
    path: { id: Id };
    query: undefined;
    body: AppInput;
    ok: App;
  };
  appRemove: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  appDraft: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: Record<string, unknown>;
  };
  documentPut: {
    path: { id: Id };
    query: undefined;
    body: {
    /** OpenAPI 3.0 or 3.1, JSON or YAML */
    text: string;
    note: string;
    at?: number;
    size?: number;
  };
    ok: DocumentChanged;
  };
  documentList: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: {
    items: Array<Document>;
  };
  };
  documentGet: {
    path: { id: Id; sha256: string };
    query: undefined;
    body: undefined;
    ok: {
    sha256: string;
    text: string;
  };
  };
  documentRestore: {
    path: { id: Id; sha256: string };
    query: undefined;
    body: Reason;
    ok: DocumentChanged;
  };
  gatewayMode: {
    path: { id: Id };
    query: undefined;
    body: {
    reason: string;
    rule: string;
    mode: "monitor" | "block";
  };
    ok: AppVersion;
  };
  appTest: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: {
    results: Array<AppTest>;
  };
  };
  policyList: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: {
    /** Version of the document in force */
    version: number;
    items: Array<PolicyRow>;
    findings: Array<Finding>;
  };
  };
  policyGet: {
    path: { name: PolicyName };
    query: undefined;
    body: undefined;
    ok: Policy;
  };
  policyPut: {
    path: { name: PolicyName };
    query: undefined;
    body: PolicyInput;
    ok: Policy;
  };
  policyRemove: {
    path: { name: PolicyName };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  policyDocument: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: PolicyVersion;
  };
  policyDocumentPut: {
    path: undefined;
    query: undefined;
    body: PolicyInput;
    ok: PolicyVersion;
  };
  policyCheck: {
    path: undefined;
    query: undefined;
    body: {
    text: PolicyText;
    /** Set, when the text is this one policy and not the whole document */
    policy?: PolicyName | null;
  };
    ok: PolicyCheck;
  };
  policySimulate: {
    path: undefined;
    query: undefined;
    body: Simulation;
    ok: Trace;
  };
  policyReplay: {
    path: undefined;
    query: undefined;
    body: {
    text: PolicyText;
    /** text is this one policy's; the rest is as in force */
    policy?: string;
    days?: number;
  };
    ok: PolicyReplay;
  };
  draftList: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: {
    items: Array<PolicyDraft>;
    /** Who wrote one can't put it in force */
    second_approval: boolean;
  };
  };
  draftCreate: {
    path: undefined;
    query: undefined;
    body: {
    /** null: the text is the whole document */
    policy?: PolicyName | null;
    text: PolicyText;
    note: string;
    /** Version of the document that it was written against */
    base: number;
  };
    ok: PolicyDraft;
  };
  draftGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: PolicyDraft;
  };
  draftUpdate: {
    path: { id: Id };
    query: undefined;
    body: {
    text: PolicyText;
    note: string;
    base: number;
  };
    ok: PolicyDraft;
  };
  draftRemove: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  draftApprove: {
    path: { id: Id };
    query: undefined;
    body: Record<string, unknown>;
    ok: PolicyVersion;
  };
  policyHistory: {
    path: undefined;
    query: { after?: string; limit?: number };
    body: undefined;
    ok: PolicyVersionPage;
  };
  policyVersion: {
    path: { version: number };
    query: undefined;
    body: undefined;
    ok: PolicyVersion;
  };
  policyRollback: {
    path: { version: number };
    query: undefined;
    body: Reason;
    ok: PolicyVersion;
  };
  siteList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string; name?: Name };
    body: undefined;
    ok: SitePage;
  };
  siteCreate: {
    path: undefined;
    query: undefined;
    body: SiteInput;
    ok: Site;
  };
  siteGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: Site;
  };
  siteRemove: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  siteTokenList: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: {
    items: Array<EnrolToken>;
  };
  };
  siteTokenCreate: {
    path: { id: Id };
    query: undefined;
    body: EnrolTokenInput;
    ok: EnrolTokenMade;
  };
  tokenGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: EnrolToken;
  };
  tokenRevoke: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  connectorList: {
    path: undefined;
    query: { after?: string; limit?: number; site?: Id };
    body: undefined;
    ok: ConnectorPage;
  };
  connectorGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: Connector;
  };
  connectorJwks: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: {
    keys: Array<Record<string, unknown>>;
  };
  };
  connectorRevoke: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  relayList: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: {
    items: Array<Relay>;
  };
  };
  relayTokenCreate: {
    path: undefined;
    query: undefined;
    body: EnrolTokenInput;
    ok: EnrolTokenMade;
  };
  relayRevoke: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  userList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string; name?: string; group?: string; state?: UserState; sort?: "name" | "-name" | "seen" | "-seen" };
    body: undefined;
    ok: UserPage;
  };
  userGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: User;
  };
  userLock: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  userUnlock: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  userSignOut: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  userResetTotp: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  userRecoveryCodes: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: RecoveryCodes;
  };
  groupList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string };
    body: undefined;
    ok: GroupPage;
  };
  deviceList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string; user?: Id; state?: DeviceState; posture?: "pass" | "fail" | "unknown"; sort?: "name" | "-name" | "seen" | "-seen" };
    body: undefined;
    ok: DevicePage;
  };
  deviceGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: DeviceDetail;
  };
  deviceApprove: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: Device;
  };
  deviceBlock: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  deviceAsk: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  deviceRevoke: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  sessionList: {
    path: undefined;
    query: { after?: string; limit?: number; q?: string; user?: Id; device?: Id; connector?: Id; app?: Id; sort?: "opened" | "-opened" | "deadline" | "-deadline" };
    body: undefined;
    ok: SessionPage;
  };
  sessionGet: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: Session;
  };
  sessionKill: {
    path: { id: Id };
    query: undefined;
    body: Reason;
    ok: Cut;
  };
  sessionKillMany: {
    path: undefined;
    query: undefined;
    body: {
    by: "user" | "device" | "connector" | "app";
    id: Id;
    reason: ReasonText;
  };
    ok: Cut;
  };
  auditList: {
    path: undefined;
    query: { after?: string; limit?: number; from?: string; to?: string; action?: string; result?: AuditResult; user?: Id; app?: Id; q?: string };
    body: undefined;
    ok: AuditPage;
  };
  auditGet: {
    path: { shard: number; seq: number };
    query: undefined;
    body: undefined;
    ok: AuditRecord;
  };
  auditExport: {
    path: undefined;
    query: { format: "csv" | "ndjson" | "ocsf"; after?: string; from?: string; to?: string; action?: string; result?: AuditResult; user?: Id; app?: Id };
    body: undefined;
    ok: undefined;
  };
  auditVerification: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Verification;
  };
  auditVerify: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Verification;
  };
  whyRequest: {
    path: { request: RequestId };
    query: undefined;
    body: undefined;
    ok: Trace;
  };
  whyNow: {
    path: undefined;
    query: { user: Id; app: Id; device?: Id };
    body: undefined;
    ok: Trace;
  };
  viewList: {
    path: undefined;
    query: { page?: string };
    body: undefined;
    ok: {
    items: Array<SavedView>;
  };
  };
  viewCreate: {
    path: undefined;
    query: undefined;
    body: {
    page: ViewPage;
    name: string;
    query: ViewQuery;
    shared?: boolean;
  };
    ok: SavedView;
  };
  viewUpdate: {
    path: { id: Id };
    query: undefined;
    body: {
    name: string;
    query: ViewQuery;
    shared?: boolean;
  };
    ok: SavedView;
  };
  viewRemove: {
    path: { id: Id };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  providerList: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: {
    items: Array<Provider>;
  };
  };
  feedList: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: {
    items: Array<Feed>;
    vendors: Array<FeedVendor>;
  };
  };
  feedGet: {
    path: { name: FeedName };
    query: undefined;
    body: undefined;
    ok: Feed;
  };
  feedPut: {
    path: { name: FeedName };
    query: undefined;
    body: FeedInput;
    ok: Feed;
  };
  feedRemove: {
    path: { name: FeedName };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  feedSecret: {
    path: { name: FeedName };
    query: undefined;
    body: FeedSecretInput;
    ok: Feed;
  };
  feedTest: {
    path: { name: FeedName };
    query: undefined;
    body: undefined;
    ok: FeedTest;
  };
  feedSync: {
    path: { name: FeedName };
    query: undefined;
    body: undefined;
    ok: undefined;
  };
  feedUnjoined: {
    path: { name: FeedName };
    query: undefined;
    body: undefined;
    ok: {
    items: Array<FeedUnjoined>;
    total: number;
  };
  };
  settings: {
    path: undefined;
    query: undefined;
    body: undefined;
    ok: Settings;
  };
}
