// What the form has controls for: the keys that the broker reads (broker/policy/parse_condition.c), as a table.
export interface Spec {
  label: string;
  /** maps: a list of mappings. labels: a mapping of any names to texts. */
  kind: "text" | "choice" | "list" | "map" | "maps" | "labels";
  choices?: string[];
  members?: Record<string, Spec>;
  /** Where names to choose from come from. */
  of?: "groups" | "users" | "apps" | "signals";
  /** Its text when it is added; "": made from what is known. */
  fresh: string;
}

const text = (label: string, fresh: string): Spec => ({ label, kind: "text", fresh });
const choice = (label: string, ...choices: string[]): Spec => ({ label, kind: "choice", choices, fresh: choices[0]! });
const list = (label: string, fresh: string, more: Partial<Spec> = {}): Spec => ({ label, kind: "list", fresh, ...more });
const map = (label: string, fresh: string, members: Record<string, Spec>): Spec => ({ label, kind: "map", fresh, members });

const age = text("at most old", "1h");
const bounds = { at_least: text("at least", "1"), at_most: text("at most", "1") };
const addresses = { in: list("in", "[198.18.10.0/24]"), not_in: list("not in", "[198.18.10.0/24]") };
const countries = { in: list("in", "[DE]"), not_in: list("not in", "[DE]") };
const risks = ["low", "medium", "high"];
const kinds = ["any", "otp", "phishing_resistant"];

export const conditions: Record<string, Spec> = {
  groups: list("Groups", "", { of: "groups" }),
  users: list("Users", "", { of: "users" }),
  mfa: map("MFA", "{max_age: 12h}", { max_age: text("at most old", "12h"), kind: choice("kind", ...kinds), amr: list("amr", "[hwk]"), acr: list("acr", "[phr]") }),
  device: map("Device", "{state: [approved]}", { state: list("state", "[approved]", { choices: ["approved", "pending", "blocked", "lost"] }), owner: choice("owner", "user", "other", "organisation"), key: choice("key", "hardware", "software") }),
  posture: { label: "Posture", kind: "maps", of: "signals", fresh: "[{signal: disk_encryption, max_age: 1h}]", members: {
    signal: { ...text("signal", "disk_encryption"), of: "signals" }, is: choice("is", "pass", "fail"), equals: text("equals", '"1"'), one_of: list("one of", '["1"]'), ...bounds, max_age: age,
    assurance: choice("assurance", "signed", "self", "attested", "vendor") } },
  network: map("Network", "{in: [198.18.10.0/24]}", addresses),
  country: map("Country", "{in: [DE]}", countries),
  time: map("Time", '{days: mon-fri, from: "07:00", to: "20:00", zone: Europe/Berlin}', { days: text("days", "mon-fri"), from: text("from", '"07:00"'), to: text("to", '"20:00"'), zone: text("zone", "Europe/Berlin"), until: text("until", '"2030-01-01T00:00:00Z"') }),
  risk: map("Risk", "{at_least: high}", { at_least: choice("at least", ...risks), at_most: choice("at most", ...risks) }),
  score: map("Score", "{feed: name, field: overall, at_least: 70}", { feed: text("feed", "name"), field: text("field", "overall"), ...bounds, max_age: age }),
};

export const limits: Record<string, Spec> = {
  session_max: text("session", "8h"), idle: text("idle", "30m"), reverify: text("verify again", "30m"),
  step_up: map("code", "{kind: otp, every: 15m}", { kind: choice("kind", ...kinds.slice(1)), every: text("every", "15m") }),
};
