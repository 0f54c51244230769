// The form is a view of the text: every control changes the characters of its own node (edit.ts). What it
// has no control for stands there as a block that names its lines. It never judges a value: the broker does.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Badge, Icon, Name } from "../parts/basics";
import { visible } from "../words";
import { addItem, addPair, lines, removeItem, removePair, setScalar, spell, type Edit } from "./edit";
import { conditions, limits, type Spec } from "./spec";
import { member, word, type Map, type Node, type Pair, type Scalar, type Seq } from "./yaml";

export interface Card { key: string; title: string; from: number; to: number; part: Node | Pair; effect: "policy" | "deny" | "require" | "allow" | "other"; holder?: { seq: Seq; n: number } }

interface Tools {
  text: string;
  readOnly: boolean;
  make: (e: Edit | undefined) => void;
  /** Names that may be meant: of groups, users, apps. */
  known: Record<string, string[]>;
}

const known = new Set(["name", "apps", "mode", "description", "limits", "deny", "require", "allow"]);

function cardsOf(policy: Map, prefix: string): Card[] {
  const cards: Card[] = [];
  for (const effect of ["deny", "require", "allow"] as const) {
    const pair = member(policy, effect), list = pair?.value;
    if (!pair) continue;
    if (list?.kind !== "seq" || list.items.some((i) => i.value?.kind !== "map")) cards.push({ key: `${prefix}${effect}`, title: effect, part: pair, from: pair.from, to: pair.to, effect: "other" });
    else if (effect === "require") cards.push({ key: `${prefix}require`, title: "Require, for every allow", part: pair, from: pair.from, to: pair.to, effect });
    else list.items.forEach((item, n) => cards.push({ key: `${prefix}${effect}.${n}`, title: `${effect === "deny" ? "Deny" : "Allow"}: ${word(member(item.value, "name")?.value) || `rule ${n + 1}`}`,
      part: item.value!, from: item.from, to: item.to, effect, holder: { seq: list, n } }));
  }
  for (const pair of policy.pairs)
    if (!known.has(pair.key.value)) cards.push({ key: prefix + pair.key.value, title: pair.key.value, part: pair, from: pair.from, to: pair.to, effect: "other" });
  return cards;
}

/** A text of one policy is a mapping with a name; the whole document has a list of them. */
export function policiesIn(root: Node | null): Array<{ prefix: string; policy: Map; cards: Card[] }> {
  const all = member(root, "policies")?.value;
  const maps = all?.kind === "seq" ? all.items.map((i) => i.value) : root?.kind === "map" && member(root, "name") ? [root] : [];
  return maps.flatMap((m, n) => m?.kind === "map" ? [{ prefix: `${n}.`, policy: m, cards: [{ key: `${n}.policy`, title: "", part: m, from: m.from, to: m.to, effect: "policy" as const }, ...cardsOf(m, `${n}.`)] }] : []);
}

/** The innermost card around a place in the text. */
export function cardAt(root: Node | null, at: number): string | undefined {
  const around = policiesIn(root).flatMap((p) => p.cards).filter((c) => c.from <= at && at <= c.to);
  return around.sort((a, b) => (a.to - a.from) - (b.to - b.from))[0]?.key;
}

export function PolicyForm({ root, tools, picked, pick }: { root: Node | null; tools: Tools; picked: string | undefined; pick: (key: string) => void }) {
  const found = policiesIn(root);
  if (!found.length) return <p class="sub">The text holds no policy yet. A policy begins with its name.</p>;
  return <div class="stack tight">{found.map(({ prefix, policy, cards }) => <>
    {cards.map((c) => <CardBox key={c.key} card={c} tools={tools} on={c.key === picked} pick={() => pick(c.key)} policy={policy} />)}
    {!tools.readOnly && <AddRule key={`${prefix}add`} policy={policy} tools={tools} />}
  </>)}</div>;
}

function Range({ text, part }: { text: string; part: { from: number; to: number } }) {
  const [a, b] = lines(text, part);
  return <>{a === b ? `line ${a}` : `lines ${a}–${b}`}</>;
}

function CardBox({ card: c, tools, on, pick, policy }: { card: Card; tools: Tools; on: boolean; pick: () => void; policy: Map }) {
  const title = c.effect === "policy" ? `Policy ${word(member(policy, "name")?.value)}` : c.title;
  const remove = c.holder && removeItem(tools.text, c.holder.seq, c.holder.n);
  return (
    <section class={on ? "rule on" : "rule"} aria-label={visible(title)} onFocusIn={pick} onClick={pick}>
      <header><h2><Name text={title} /></h2>
        {on && <Badge mood="info">in text, <Range text={tools.text} part={c} /></Badge>}
        {remove && !tools.readOnly && <span class="end"><button type="button" class="btn small quiet" onClick={() => tools.make(remove)}>Remove<span class="vh"> {visible(title)}</span></button></span>}
      </header>
      <div class="body">
        {c.effect === "policy" ? <About policy={policy} tools={tools} />
          : c.effect === "require" ? <Requirements pair={c.part as Pair} tools={tools} />
          : c.effect === "other" ? <TextOnly text={tools.text} part={c.part} />
          : <Rule rule={c.part as Map} tools={tools} title={title} />}
      </div>
    </section>
  );
}

function TextOnly({ text, part, name }: { text: string; part: { from: number; to: number }; name?: string }) {
  return <div class="line"><span>{name ? visible(name) : "In text only"}</span><div class="tokens"><span class="token dim">{name && "in text only, "}<Range text={text} part={part} /></span></div></div>;
}

const about: Record<string, Spec> = {
  apps: { label: "Covers", kind: "map", members: { all: { label: "all apps", kind: "choice", choices: ["true"], fresh: "true" }, names: { label: "apps", kind: "list", of: "apps", fresh: "" }, labels: { label: "labels", kind: "labels", fresh: "" } }, fresh: "{all: true}" },
  mode: { label: "Mode", kind: "choice", choices: ["enforce", "shadow", "off"], fresh: "enforce" },
  description: { label: "Description", kind: "text", fresh: "" },
  limits: { label: "Limits", kind: "map", members: limits, fresh: "{session_max: 8h}" },
};

function About({ policy, tools }: { policy: Map; tools: Tools }) {
  return <>
    <Members map={policy} specs={about} tools={tools} where={`Policy ${word(member(policy, "name")?.value)}`} quiet={known} />
    <AddLine tools={tools}><AddTo map={policy} specs={about} label="setting" tools={tools} /></AddLine>
  </>;
}

function Rule({ rule, tools, title }: { rule: Map; tools: Tools; title: string }) {
  const when = member(rule, "when")?.value;
  return <>
    {when?.kind === "map" && <Members map={when} specs={conditions} tools={tools} where={title} />}
    <Members map={rule} specs={ruleParts} tools={tools} where={title} quiet={new Set(["name", ...(when?.kind === "map" ? ["when"] : [])])} />
    <AddLine tools={tools}>
      {when?.kind === "map" && <AddTo map={when} specs={conditions} label="condition" tools={tools} />}
      <AddTo map={rule} specs={ruleParts} label="setting" tools={tools} /></AddLine>
  </>;
}

const ruleParts: Record<string, Spec> = {
  message: { label: "Message", kind: "text", fresh: "" },
  or_unknown: { label: "If unknown", kind: "choice", choices: ["true", "false"], fresh: "true" },
  limits: about.limits!,
};

function Requirements({ pair, tools }: { pair: Pair; tools: Tools }) {
  const list = pair.value as Seq;
  return <>
    {list.items.map((item, n) => <Members map={item.value as Map} specs={{ ...conditions, message: ruleParts.message!, limits: limits && about.limits! }} tools={tools} where={`Requirement ${n + 1}`} quiet={new Set(["name"])}
      end={removeItem(tools.text, list, n)} />)}
    <AddLine tools={tools}><Add label="requirement" tools={tools} specs={conditions} take={(key, put) => tools.make(addItem(tools.text, list, `{${key}: ${put}}`))} /></AddLine>
  </>;
}

/** One line a member; those of `quiet` are shown elsewhere. */
function Members({ map, specs, tools, where, quiet, end }: { map: Map; specs: Record<string, Spec>; tools: Tools; where: string; quiet?: Set<string>; end?: Edit | undefined }) {
  return <>
    {map.pairs.map((p, n) => {
      const spec = specs[p.key.value];
      if (quiet?.has(p.key.value) && !spec) return null;
      if (!spec || !fits(p.value, spec)) return <TextOnly text={tools.text} part={p} name={spec?.label ?? p.key.value} />;
      const remove = removePair(tools.text, map, n) ?? end;
      return <div class="line"><span>{spec.label}</span><div class="tokens"><Control node={p.value!} spec={spec} tools={tools} where={`${where}, ${spec.label}`} />
        {remove && !tools.readOnly && p.key.value !== "apps" && <RemoveButton name={`${spec.label} of ${where}`} take={() => tools.make(remove)} />}</div></div>;
    })}
  </>;
}

function AddLine({ tools, children }: { tools: Tools; children: ComponentChildren }) {
  return tools.readOnly ? null : <div class="line"><span /><div class="tokens">{children}</div></div>;
}

/** What the mapping does not have yet. */
function AddTo({ map, specs, label, short, tools }: { map: Map; specs: Record<string, Spec>; label: string; short?: boolean; tools: Tools }) {
  const missing = Object.fromEntries(Object.entries(specs).filter(([k]) => !member(map, k)));
  if (tools.readOnly || !Object.keys(missing).length) return null;
  return <Add label={label} short={!!short} tools={tools} specs={missing} take={(key, put) => tools.make(addPair(tools.text, map, key, put))} />;
}

function RemoveButton({ name, take }: { name: string; take: () => void }) {
  return <button type="button" class="btn icon quiet small" aria-label={`Remove ${visible(name)}`} onClick={take}><Icon name="cross" size={12} /></button>;
}

function fits(node: Node | null, spec: Spec): boolean {
  switch (spec.kind) {
    case "text": case "choice": return node?.kind === "scalar" && node.style !== "block";
    case "list": return node?.kind === "scalar" || (node?.kind === "seq" && node.items.every((i) => i.value?.kind === "scalar"));
    case "labels": return node?.kind === "map" && node.pairs.every((p) => p.value?.kind === "scalar");
    case "map": return node?.kind === "map" && node.pairs.every((p) => spec.members?.[p.key.value] && fits(p.value, spec.members[p.key.value]!));
    case "maps": return node?.kind === "seq" && node.items.every((i) => fits(i.value, { ...spec, kind: "map" }));
  }
}

function Control({ node, spec, tools, where }: { node: Node; spec: Spec; tools: Tools; where: string }) {
  switch (node.kind) {
    case "scalar": return spec.choices ? <Choose node={node} choices={spec.choices} tools={tools} where={where} /> : <Text node={node} tools={tools} where={where} list={spec.of} />;
    case "seq": return spec.kind === "maps" ? <Maps seq={node} spec={spec} tools={tools} where={where} /> : <Tokens seq={node} spec={spec} tools={tools} where={where} />;
    case "map": return spec.kind === "labels" ? <Labels map={node} tools={tools} where={where} /> : <Inner map={node} specs={spec.members ?? {}} tools={tools} where={where} />;
  }
}

function Text({ node, tools, where, list }: { node: Scalar; tools: Tools; where: string; list?: string | undefined }) {
  const [typed, type] = useState<string | undefined>(); // kept while the page around it is drawn anew
  return <input class="in cell" aria-label={visible(where)} value={typed ?? node.value} readOnly={tools.readOnly} spellcheck={false} autocomplete="off" list={list && `known-${list}`}
    size={Math.min(40, Math.max(6, node.value.length))} onInput={(e) => type(e.currentTarget.value)} onBlur={() => type(undefined)} onChange={(e) => {
      type(undefined);
      if (e.currentTarget.value !== node.value) tools.make(setScalar(node, e.currentTarget.value));
    }} />;
}

function Choose({ node, choices, tools, where }: { node: Scalar; choices: string[]; tools: Tools; where: string }) {
  const all = choices.includes(node.value) ? choices : [node.value, ...choices];
  return <select class="sel cell" aria-label={visible(where)} value={node.value} disabled={tools.readOnly} onChange={(e) => tools.make(setScalar(node, e.currentTarget.value))}>{all.map((c) => <option>{c}</option>)}</select>;
}

function Tokens({ seq, spec, tools, where }: { seq: Seq; spec: Spec; tools: Tools; where: string }) {
  return <>
    {seq.items.map((item, n) => {
      const remove = removeItem(tools.text, seq, n), value = word(item.value);
      return <span class="token"><Name text={value} />{remove && !tools.readOnly && seq.items.length > 1 && <RemoveButton name={`${value} from ${where}`} take={() => tools.make(remove)} />}</span>;
    })}
    {!tools.readOnly && <AddWord where={where} list={spec.of} choices={spec.choices?.filter((c) => !seq.items.some((i) => word(i.value) === c))} take={(w) => tools.make(addItem(tools.text, seq, spell(w)))} />}
  </>;
}

function Labels({ map, tools, where }: { map: Map; tools: Tools; where: string }) {
  return <>{map.pairs.map((p) => <label class="token">{visible(p.key.value)} <Text node={p.value as Scalar} tools={tools} where={`${where}, ${p.key.value}`} /></label>)}</>;
}

function Inner({ map, specs, tools, where }: { map: Map; specs: Record<string, Spec>; tools: Tools; where: string }) {
  return <>
    {map.pairs.map((p, n) => {
      const spec = specs[p.key.value]!, remove = map.pairs.length > 1 ? removePair(tools.text, map, n) : undefined;
      return <span class="token part"><span class="dim">{spec.label}</span> <Control node={p.value!} spec={spec} tools={tools} where={`${where}, ${spec.label}`} />
        {remove && !tools.readOnly && <RemoveButton name={`${spec.label} from ${where}`} take={() => tools.make(remove)} />}</span>;
    })}
    <AddTo map={map} specs={specs} label={`to ${where}`} short tools={tools} />
  </>;
}

function Maps({ seq, spec, tools, where }: { seq: Seq; spec: Spec; tools: Tools; where: string }) {
  return <>
    {seq.items.map((item, n) => {
      const remove = seq.items.length > 1 ? removeItem(tools.text, seq, n) : undefined, name = `${where} ${n + 1}`;
      return <div class="tokens wide"><Inner map={item.value as Map} specs={spec.members!} tools={tools} where={name} />{remove && !tools.readOnly && <RemoveButton name={name} take={() => tools.make(remove)} />}</div>;
    })}
    {!tools.readOnly && <AddWord where={where} list={spec.of} take={(w) => tools.make(addItem(tools.text, seq, `{signal: ${spell(w)}}`))} />}
  </>;
}

/** A button that becomes a field; Enter adds, Esc does not. */
function AddWord({ where, list, choices, take }: { where: string; list?: string | undefined; choices?: string[] | undefined; take: (word: string) => void }) {
  const [open, set] = useState(false);
  if (choices && !choices.length) return null;
  if (choices) return <select class="chip" aria-label={`Add to ${visible(where)}`} value="" onChange={(e) => take(e.currentTarget.value)}><option value="">Add</option>{choices.map((c) => <option>{c}</option>)}</select>;
  if (!open) return <button type="button" class="btn small quiet" onClick={() => set(true)}>Add<span class="vh"> to {visible(where)}</span></button>;
  return <input class="in cell" autofocus aria-label={`Add to ${visible(where)}`} list={list && `known-${list}`} spellcheck={false} autocomplete="off" placeholder="Enter adds"
    onKeyDown={(e) => {
      if (e.key === "Escape") set(false);
      if (e.key !== "Enter" || !e.currentTarget.value.trim()) return;
      e.preventDefault();
      take(e.currentTarget.value.trim());
      set(false);
    }} />;
}

function Add({ label, specs, tools, take, short }: { label: string; specs: Record<string, Spec>; tools: Tools; take: (key: string, put: string) => void; short?: boolean }) {
  const fresh = (s: Spec) => s.fresh || (s.kind === "list" ? `[${spell(tools.known[s.of ?? ""]?.[0] ?? "name")}]` : s.kind === "labels" ? "{tier: internal}" : '"…"');
  return <select class="chip" aria-label={`Add ${visible(label)}`} value="" onChange={(e) => {
    const key = e.currentTarget.value;
    e.currentTarget.value = "";
    if (key) take(key, fresh(specs[key]!));
  }}><option value="">{short ? "Add" : `Add ${label}`}</option>{Object.entries(specs).map(([k, s]) => <option value={k}>{s.label}</option>)}</select>;
}

const kinds = [["allow", "Add allow rule"], ["deny", "Add deny rule"], ["require", "Add requirement"]] as const;

function AddRule({ policy, tools }: { policy: Map; tools: Tools }) {
  function add(effect: (typeof kinds)[number][0]) {
    const list = member(policy, effect)?.value;
    const names = new Set(["allow", "deny"].flatMap((k) => {
      const l = member(policy, k)?.value;
      return l?.kind === "seq" ? l.items.map((i) => word(member(i.value, "name")?.value)) : [];
    }));
    let name: string = effect;
    for (let n = 2; names.has(name); n++) name = `${effect}-${n}`;
    const put = effect === "require" ? "{device: {state: [approved]}}" : `{name: ${name}, when: {groups: [${spell(tools.known.groups?.[0] ?? "idp/group")}]}}`;
    tools.make(list?.kind === "seq" ? addItem(tools.text, list, put) : addPair(tools.text, policy, effect, put, true));
  }
  const can = kinds.filter(([k]) => {
    const pair = member(policy, k);
    return k === "require" ? !pair : !pair || pair.value?.kind === "seq";
  });
  return <div class="filters">{can.map(([k, text]) => <button type="button" class="btn small" onClick={() => add(k)}>{text}</button>)}</div>;
}
