/** Explains the order of the rows of a resolve, as far as the response shows it (docs/resolve.md, the order). */
import type { RecipientChannel, Resolution } from "./wire.ts";

export interface Question {
  recipients: readonly { address: string; channel: RecipientChannel }[];
  priorities: ReadonlyMap<string, number>;
}

/** One reason for each rule that affected the row, in the order of the rules. */
export function why(results: readonly Resolution[], at: number, question: Question): string[] {
  const row = results[at]!;
  return [channelReason(row, question), ...numberReasons(results, at)].filter((reason) => reason !== "");
}

function channelReason(row: Resolution, { recipients, priorities }: Question): string {
  const own = priorities.get(row.from.channel);
  if (own !== undefined) return `${row.from.channel} has priority ${own}`;
  const place = recipients.findIndex((one) => one.channel === row.to.channel && one.address === row.to.address) + 1;
  const recipient = recipients.length > 1 ? `recipient ${place}` : "";
  const channel = row.to.channel === "PHONE" ? (row.from.channel === "RCS" ? "RCS before SMS" : "SMS after RCS") : "";
  const rest = priorities.size ? "no priority given: after those that have one" : "";
  return [rest, recipient, channel].filter(Boolean).join(", ");
}

/** Country and prefix decide the order of rows with one channel and one recipient. */
function numberReasons(results: readonly Resolution[], at: number): string[] {
  const row = results[at]!;
  const rivals = results.filter((one) => sameQuestion(one, row));
  const shared = prefix(row.from.address, row.to.address);
  const reasons: string[] = [];
  if (row.from.address.startsWith("+") && row.to.address.startsWith("+")) {
    const mine = rivals.indexOf(row);
    // A longer prefix ranks below a shorter one: only the country can explain that.
    const ahead = rivals.slice(mine + 1).some((one) => prefix(one.from.address, one.to.address).length > shared.length);
    const behind = rivals.slice(0, mine).some((one) => prefix(one.from.address, one.to.address).length < shared.length);
    if (ahead) reasons.push("a number of the recipient's own country");
    else if (behind) reasons.push("not of the recipient's own country");
  }
  if (rivals.length > 1) {
    if (shared) reasons.push(`shares ${shared}`);
    const before = rivals[rivals.indexOf(row) - 1];
    const tie = before && prefix(before.from.address, before.to.address) === shared && !reasons[0]?.startsWith("not of");
    if (tie) reasons.push("younger sender");
  }
  return reasons;
}

function sameQuestion(one: Resolution, other: Resolution): boolean {
  return one.from.channel === other.from.channel && one.to.channel === other.to.channel && one.to.address === other.to.address;
}

/** The common beginning of two texts. */
export function prefix(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}
