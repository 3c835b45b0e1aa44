import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ask, type Call } from "../api.ts";
import { useRun } from "../dialog.tsx";
import { docs, Head, CopiedId, Skeleton, Trouble } from "../marks.tsx";
import { href, type Params } from "../route.ts";
import { why, type Question } from "../why.ts";
import { CHANNELS, RECIPIENT_CHANNELS, type Channel, type RecipientChannel, type Resolution } from "../wire.ts";

interface Recipient {
  channel: RecipientChannel;
  address: string;
}

type Scope = "inventory" | "pool" | "addresses";

interface Asked {
  recipients: readonly Recipient[];
  scope: Scope;
  pool: string;
  addresses: string;
  only: readonly Channel[];
  priority: Readonly<Partial<Record<Channel, string>>>;
}

const HINTS: Record<RecipientChannel, string> = {
  PHONE: "+12025550199",
  WHATSAPP: "+12025550199",
  EMAIL: "ada@example.com",
  PUSH: "com.example.app",
};
const NOBODY: Asked = {
  recipients: [{ channel: "PHONE", address: "" }],
  scope: "inventory",
  pool: "",
  addresses: "",
  only: [],
  priority: {},
};

// The last input is kept while other screens are shown. It identifies people, so it is in no URL and no storage.
let last: Asked = NOBODY;

/** The senders that reach a person, best first, and the reasons for that order. */
export function ResolveScreen(_: { params: Params }): JSX.Element {
  const [asked, setAsked] = useState(last);
  const [answer, setAnswer] = useState<{ results: Resolution[]; question: Question }>();
  const call: Call = { method: "POST", path: "/v1/Senders/Resolve", body: bodyOf(asked) };
  const { busy, failure, run } = useRun(async () => {
    const { results } = await ask<{ results: Resolution[] }>(call);
    setAnswer({ results, question: questionOf(asked) });
  });
  const change = (news: Partial<Asked>) => setAsked((last = { ...asked, ...news }));
  return (
    <>
      <Head title="Resolve" call={call} page="resolve" />
      <form class="form resolve" onSubmit={(event) => (event.preventDefault(), void run())}>
        <Recipients asked={asked} change={change} />
        <From asked={asked} change={change} />
        <ByChannel asked={asked} change={change} />
        <div>
          <button class="main" disabled={busy || !asked.recipients.some((one) => one.address.trim())}>
            Who can reach this person?
          </button>
        </div>
      </form>
      <section aria-live="polite" aria-busy={busy}>
        {failure && <Trouble failure={failure} />}
        {busy && !answer && <Skeleton lines={5} />}
        {answer && !failure && <Answer {...answer} />}
      </section>
    </>
  );
}

interface Part {
  asked: Asked;
  change: (news: Partial<Asked>) => void;
}

function Recipients({ asked, change }: Part): JSX.Element {
  const { recipients } = asked;
  const put = (at: number, news: Partial<Recipient>) =>
    change({ recipients: recipients.map((one, index) => (index === at ? { ...one, ...news } : one)) });
  return (
    <fieldset>
      <legend>The person's addresses, the preferred one first</legend>
      {recipients.map((recipient, at) => (
        <div class="person" key={at}>
          <select
            aria-label={`Channel of address ${at + 1}`}
            value={recipient.channel}
            onChange={(event) => put(at, { channel: event.currentTarget.value as RecipientChannel })}
          >
            {RECIPIENT_CHANNELS.map((channel) => (
              <option key={channel}>{channel}</option>
            ))}
          </select>
          <input
            aria-label={`Address ${at + 1}`}
            value={recipient.address}
            onInput={(event) => put(at, { address: event.currentTarget.value })}
            placeholder={HINTS[recipient.channel]}
            autocomplete="off"
            spellcheck={false}
          />
          {recipients.length > 1 && (
            <button
              type="button"
              class="plain"
              aria-label={`Take address ${at + 1} out`}
              onClick={() => change({ recipients: recipients.filter((_, index) => index !== at) })}
            >
              ✕
            </button>
          )}
        </div>
      ))}
      <button type="button" onClick={() => change({ recipients: [...recipients, { channel: "EMAIL", address: "" }] })}>
        One more address
      </button>
    </fieldset>
  );
}

function From({ asked, change }: Part): JSX.Element {
  const names: Record<Scope, string> = {
    inventory: "all senders",
    pool: "the senders of a pool",
    addresses: "these senders",
  };
  return (
    <fieldset>
      <legend>Which senders</legend>
      <div class="line">
        {(Object.keys(names) as Scope[]).map((scope) => (
          <label class="inline" key={scope}>
            <input type="radio" name="scope" checked={asked.scope === scope} onChange={() => change({ scope })} />
            {names[scope]}
          </label>
        ))}
      </div>
      {asked.scope === "pool" && (
        <input
          aria-label="Pool id"
          value={asked.pool}
          onInput={(event) => change({ pool: event.currentTarget.value })}
          placeholder="comms_senderpool_…"
          autocomplete="off"
          spellcheck={false}
        />
      )}
      {asked.scope === "addresses" && (
        <textarea
          aria-label="Sender addresses, one a line as CHANNEL address"
          rows={4}
          value={asked.addresses}
          onInput={(event) => change({ addresses: event.currentTarget.value })}
          placeholder={"SMS +12025550100\nEMAIL hello@example.com"}
          spellcheck={false}
        />
      )}
    </fieldset>
  );
}

function ByChannel({ asked, change }: Part): JSX.Element {
  const flip = (channel: Channel) =>
    asked.only.includes(channel) ? asked.only.filter((one) => one !== channel) : [...asked.only, channel];
  return (
    <fieldset>
      <legend>Channels</legend>
      <div class="channels">
        {CHANNELS.map((channel) => (
          <div class="line" key={channel}>
            <label class="inline">
              <input type="checkbox" checked={asked.only.includes(channel)} onChange={() => change({ only: flip(channel) })} />
              only {channel}
            </label>
            <input
              type="number"
              min={0}
              aria-label={`Priority of ${channel}`}
              placeholder="priority"
              value={asked.priority[channel] ?? ""}
              onInput={(event) => change({ priority: { ...asked.priority, [channel]: event.currentTarget.value } })}
            />
          </div>
        ))}
      </div>
      <p class="quiet">None ticked: all of them. The lower the priority, the earlier.</p>
    </fieldset>
  );
}

function Answer({ results, question }: { results: readonly Resolution[]; question: Question }): JSX.Element {
  if (!results.length) {
    return (
      <p class="empty">
        No activated sender of the selected ones is on a channel that reaches these addresses. PHONE is reached by RCS and SMS,
        the others by their namesake.
      </p>
    );
  }
  return (
    <>
      <h2>Best first</h2>
      <div class="rows">
        <table aria-label="Senders that reach this person, best first">
          <thead>
            <tr>
              <th scope="col" class="number">
                #
              </th>
              <th scope="col">Sender</th>
              <th scope="col" class="extra">
                Reaches
              </th>
              <th scope="col" class="main">
                Why here
              </th>
              <th scope="col" class="extra">
                Id
              </th>
            </tr>
          </thead>
          <tbody>
            {results.map((row, at) => (
              <tr key={at}>
                <td class="number">{row.priority}</td>
                <td>
                  {row.from.channel} <a href={href("senders", { id: row.from.senderId })}>{row.from.address}</a>
                  <span class="below">
                    {row.to.channel} {row.to.address}
                  </span>
                </td>
                <td class="extra">
                  {row.to.channel} {row.to.address}
                </td>
                <td class="main reasons">{why(results, at, question).join("; ") || "the only one of its channel"}</td>
                <td class="extra">
                  <CopiedId id={row.from.senderId} of="sender id" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet end">
        At most the 10 best. The reasons are read from the response: channel, then the recipient's country, then the common
        beginning, then age. <a href={docs("resolve#the-order")}>The order</a>
      </p>
    </>
  );
}

function bodyOf(asked: Asked): Record<string, unknown> {
  const priority = CHANNELS.filter((channel) => asked.priority[channel]).map((channel) => ({
    channel,
    priority: Number(asked.priority[channel]),
  }));
  const channels = {
    ...(asked.only.length ? { filterIn: asked.only } : {}),
    ...(priority.length ? { priority } : {}),
  };
  return {
    recipientAddresses: asked.recipients
      .filter((one) => one.address.trim())
      .map((one) => ({ address: one.address.trim(), channel: one.channel })),
    ...(asked.scope === "pool" ? { senderPoolId: asked.pool.trim() } : {}),
    ...(asked.scope === "addresses" ? { senderAddresses: senderAddresses(asked.addresses) } : {}),
    ...(Object.keys(channels).length ? { channels } : {}),
  };
}

/** Lines of `CHANNEL address` in the form of the API: a mailbox has a name, an app its two ids. */
function senderAddresses(text: string): Record<string, string>[] {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return lines.map((line) => {
    const [channel = "", ...rest] = line.split(/\s+/);
    const address = rest.join(" ");
    if (channel === "PUSH") return { fcm: address, apn: address };
    return channel === "EMAIL" ? { address, name: "" } : { address, channel };
  });
}

function questionOf(asked: Asked): Question {
  const body = bodyOf(asked) as { recipientAddresses: Recipient[] };
  const given = Object.entries(asked.priority).filter(([, value]) => value);
  return { recipients: body.recipientAddresses, priorities: new Map(given.map(([name, value]) => [name, Number(value)])) };
}
