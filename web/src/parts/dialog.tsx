// Questions over the page. The platform's <dialog> traps focus and closes on Esc; whoever opened it gets the focus back.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api";
import { call, problem } from "../client";
import { Field } from "./basics";
import { Failure } from "./failure";

export function Dialog({ title, children, foot, close }: { title: ComponentChildren; children: ComponentChildren; foot: ComponentChildren; close: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const over = useRef(false);
  const id = useId(); // one may stand over another
  useLayoutEffect(() => { // a passive effect ends after the next frame: until then the focus would be nowhere, and a key the page's
    const opener = document.activeElement, dialog = ref.current;
    dialog?.showModal();
    return () => { // taken out of the page, a dialog gives nothing back by itself; what opened it may be gone with its row
      over.current = true;
      dialog?.close(); // nothing behind it takes the focus before
      const to = opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : document.getElementById("main");
      to?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={() => over.current || close()} onCancel={(e) => { e.preventDefault(); close(); }}>
      <header><h2 id={id}>{title}</h2></header>
      <div class="body">{children}</div>
      <footer>{foot}</footer>
    </dialog>
  );
}

interface ConfirmProps {
  title: ComponentChildren;
  verb: string;
  /** What it will hit, counted. */
  children: ComponentChildren;
  /** Asked for, and written to the audit record. */
  reason?: boolean;
  /** Must be typed when the act can't be undone. */
  typed?: string;
  danger?: boolean;
  /** false: something in it has still to be done. */
  ready?: boolean;
  act: (reason: string) => Promise<void>;
  close: () => void;
}

export function Confirm(p: ConfirmProps) {
  const [reason, setReason] = useState("");
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem | undefined>();
  const ready = !busy && p.ready !== false && (!p.reason || reason.trim() !== "") && (!p.typed || name === p.typed);

  async function submit(event: Event) {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setFailed(undefined);
    try {
      await p.act(reason.trim());
      p.close();
    } catch (e) {
      setFailed(problem(e));
      setBusy(false);
    }
  }

  const foot = <>
    <button type="button" class="btn" onClick={p.close}>Cancel</button>
    <button type="submit" form="confirm" class={p.danger === false ? "btn main" : "btn danger"} disabled={!ready} aria-busy={busy ? "true" : undefined}>{p.verb}</button>
  </>;
  return (
    <Dialog title={p.title} close={p.close} foot={foot}>
      <form id="confirm" class="stack tight" onSubmit={submit}>
        <div>{p.children}</div>
        {p.reason && <Field id="reason" label="Reason" hint="Stands in the audit record."><input class="in" maxLength={500} autofocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></Field>}
        {p.typed && <Field id="typed" label={`Type ${p.typed} to go on`} hint="This can't be undone."><input class="in" autocomplete="off" spellcheck={false} value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>}
        {failed && <Failure what={`${p.verb}: not done.`} problem={failed} />}
      </form>
    </Dialog>
  );
}

/** The code of the second factor, asked for in place; whoever asked goes on after a good one. */
export function StepUp({ done }: { done: (good: boolean) => void }) {
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem | undefined>();

  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    setFailed(undefined);
    try {
      await call("meFactor", { body: { code: code.replace(/\s/g, "") } });
      done(true);
    } catch (e) {
      setFailed(problem(e));
      setCode("");
      setBusy(false);
    }
  }

  const foot = <>
    <button type="button" class="btn" onClick={() => done(false)}>Cancel</button>
    <button type="submit" form="step-up" class="btn main" disabled={busy || code.trim().length < 6} aria-busy={busy ? "true" : undefined}>Continue</button>
  </>;
  return (
    <Dialog title="This act needs a fresh code" close={() => done(false)} foot={foot}>
      <form id="step-up" class="stack tight" onSubmit={submit}>
        <Field id="step-up-code" label="Code from your authenticator" hint="It counts for 5 minutes, in this browser only.">
          <input class="in otp" inputMode="numeric" autocomplete="one-time-code" maxLength={8} autofocus value={code} onInput={(e) => setCode(e.currentTarget.value)} /></Field>
        {failed && <Failure what="The code was not accepted." problem={failed} />}
      </form>
    </Dialog>
  );
}
