/** Why a sender was chosen: the candidates in their order, and what removed the others. */
import type { JSX } from "preact";
import { count, docs, plural } from "./marks.tsx";
import { href } from "./route.ts";
import type { Candidate, Decision } from "./wire.ts";

const WORDS: Readonly<Record<string, string>> = {
  DEACTIVATED: "the sender is deactivated",
  CHANNEL: "its channel does not reach this address",
  FILTER: "the request leaves its channel out",
  CONTENT: "the content does not fit its channel",
  OPTED_OUT: "the person has opted out",
  UNREACHABLE: "no sender reaches this address",
  NO_RCS: "the phone has no RCS",
  TOO_LONG: "the text is too long for its channel",
  NOT_RENDERED: "the text could not be rendered",
};

/** What put a candidate where it is. */
function marksOf({ steps }: Candidate): string {
  const marks = [
    steps.kept && "kept: reached this person last",
    steps.country && "same country",
    steps.area && "same area",
    steps.weight !== 1 && `weight ${count(steps.weight)}`,
  ];
  return marks.filter(Boolean).join(", ");
}

export function DecisionOf({ decision }: { decision: Decision }): JSX.Element {
  const { candidates, removedCounts, chosen } = decision;
  return (
    <>
      <ol class="decision">
        <li>
          <h3>Removed</h3>
          {removedCounts.length ? (
            <ul>
              {removedCounts.map((one) => (
                <li key={one.reason}>
                  {plural(one.count, "sender")}: {WORDS[one.reason] ?? one.reason}
                </li>
              ))}
            </ul>
          ) : (
            <p class="quiet">No sender was removed.</p>
          )}
        </li>
        <li>
          <h3>Ordered, best first</h3>
          {candidates.length ? (
            <ol class="candidates" start={0}>
              {candidates.map((one) => (
                <li key={one.senderId} class={one.senderId === chosen ? "chosen" : ""}>
                  {one.channel} <a href={href("senders", { id: one.senderId })}>{one.address}</a>
                  {one.senderId === chosen && <b> chosen</b>}
                  <span class="quiet"> {marksOf(one) || "by spread only"}</span>
                </li>
              ))}
            </ol>
          ) : (
            <p>Nobody is left: no sender reaches {decision.recipient.address}.</p>
          )}
        </li>
      </ol>
      <p class="quiet">
        At most 50 candidates: by channel, then kept sender, country, area code and spread.{" "}
        <a href={docs("messages")}>How a sender is chosen</a>
      </p>
    </>
  );
}
