// One policy as its own text: checked by the broker while it is typed, simulated beside it.
import { useState } from "preact/hooks";
import { call } from "../client";
import { useLoad } from "../load";
import { Badge, Field, Head, Name } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Editor } from "../parts/editor";
import { Failure } from "../parts/failure";
import { go, usePlace } from "../route";
import { may } from "../who";
import { firstPolicy } from "./policies";

export function PolicyPage({ name }: { name: string }) {
  return name === "new" ? <NewPolicy /> : <OldPolicy name={name} />;
}

function NewPolicy() {
  const [name, setName] = useState("first");
  const good = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/.test(name);
  return (
    <>
      <Head title="New policy" crumbs={[["/policies", "Policies"]]}>It decides nothing until it is put in force. Nobody is let in but through an allow rule.</Head>
      <div class="fields"><Field id="policy-name" label="Name" error={good ? undefined : "Small letters, digits, dashes; at most 63."}>
        <input class="in" value={name} spellcheck={false} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} /></Field></div>
      <Editor operation="policy" name={name} adding text={firstPolicy()} version={0} saved={() => go(`/policies/${name}`)} />
    </>
  );
}

function OldPolicy({ name }: { name: string }) {
  const { query } = usePlace();
  const load = useLoad("policyGet", { path: { name } });
  const [removing, setRemoving] = useState(false);
  const p = load.data;
  return (
    <>
      <Head title={<Name text={name} />} crumbs={[["/policies", "Policies"]]}
        acts={p && may("admin") && <button type="button" class="btn quiet danger-text" onClick={() => setRemoving(true)}>Remove</button>}>
        {p && <>Version {p.version} decides now for {p.covers}, lines from {p.line} of the whole text. <Badge mood={p.mode === "enforce" ? "ok" : "warn"}>{p.mode}</Badge></>}</Head>
      {load.failed && <Failure what="This policy could not be read." problem={load.failed} again={() => void load.reload()} />}
      {p && <Editor key={p.version} operation="policy" name={name} text={p.text} version={p.version} first={p.line} line={Number(query.get("line") ?? 0) - p.line + 1} saved={() => void load.reload()} />}
      {removing && p && (
        <Confirm title={<>Remove policy <Name text={name} />?</>} verb="Remove policy" typed={name} close={() => setRemoving(false)}
          act={async () => {
            await call("policyRemove", { path: { name }, version: p.version });
            go("/policies");
          }}>
          <p>Its allow rules let nobody in any more, and its requirements and deny rules keep nobody out. Live sessions are decided again at once. The history keeps the text.</p>
        </Confirm>)}
    </>
  );
}
