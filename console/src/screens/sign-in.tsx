import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Failure, send } from "../api.ts";
import { docs, Trouble } from "../marks.tsx";
import { isSid, signIn, type Credentials } from "../session.ts";

/** Asks for credentials; keeps them only after the server accepted them. */
export function SignIn({ refused }: { refused: string }): JSX.Element {
  const [sid, setSid] = useState("");
  const [secret, setSecret] = useState("");
  const [wrong, setWrong] = useState("");
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  /** Splits SID:TOKEN, pasted into either field, over both. */
  const enter = (text: string, keep: (text: string) => void) => {
    const both = pasted(text);
    if (!both) return keep(text.trim());
    setSid(both.sid);
    setSecret(both.secret);
  };
  const submit = async () => {
    const given = { sid, secret };
    setFailure(undefined);
    setWrong(isSid(given.sid) ? "" : "A SID is AC (an account) or SK (a key) and 32 hexadecimal digits.");
    if (!isSid(given.sid)) return;
    setBusy(true);
    try {
      await send({ path: "/v1/SenderPools", query: { pageSize: 1 } }, undefined, given);
      signIn(given);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.status === 401) setWrong("The server does not accept this SID with this secret.");
      else setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void submit();
      }}
    >
      <h1>Signalbox</h1>
      <p class="quiet">
        Sign in with an account SID and its auth token, or an API key SID and its secret. They stay in this browser session.
      </p>
      <label>
        SID
        <input
          name="username"
          value={sid}
          onInput={(event) => enter(event.currentTarget.value, setSid)}
          placeholder="AC… or SK…, or SID:TOKEN"
          autocomplete="username"
          spellcheck={false}
          autofocus
          required
          aria-invalid={wrong !== ""}
          aria-describedby={wrong ? "wrong" : undefined}
        />
      </label>
      <label>
        Auth token or secret
        <input
          type="password"
          name="password"
          value={secret}
          onInput={(event) => enter(event.currentTarget.value, setSecret)}
          autocomplete="current-password"
          required
          aria-invalid={wrong !== ""}
        />
      </label>
      {wrong && (
        <p class="wrong" id="wrong" role="alert">
          {wrong}
        </p>
      )}
      {!wrong && !failure && refused && (
        <p class="wrong" role="alert">
          {refused}
        </p>
      )}
      {failure && <Trouble failure={failure} />}
      <button class="main" disabled={busy}>
        {busy ? "Signing in…" : "Sign in"}
      </button>
      <p class="quiet">
        The first start of the server printed a SID and a token; <code>signalbox env</code> prints those of a stored
        profile.{" "}
        <a href={docs("tenancy")}>Accounts, tokens and keys</a>
      </p>
    </form>
  );
}

/** The parts of `SID:TOKEN`, as the server prints it for curl; null for other text. */
function pasted(text: string): Credentials | null {
  const [, sid, secret] = /^\s*([A-Z]{2}[0-9a-fA-F]{32}):(\S+)\s*$/.exec(text) ?? [];
  return sid && secret ? { sid, secret } : null;
}
