/** Results and parameters of calls about why a sender was chosen, and about opt-outs. */

import type { Contact, MessageAddress, MessageChannel } from "./message-types.js";
import type { Page, Paging } from "./types.js";

// --- results

/** What put a candidate where it is: the country or the area code of the recipient, or that it was kept. */
export interface DecisionSteps {
  readonly country: boolean;
  readonly area: boolean;
  readonly kept: boolean;
  readonly weight: number;
}

/** A sender that may be tried; rank 0 comes first. */
export interface Candidate {
  readonly senderId: string;
  readonly address: string;
  readonly channel: MessageChannel;
  readonly rank: number;
  readonly steps: DecisionSteps;
}

/** The order of the senders for one recipient. */
export interface ExplainedDecision {
  readonly senderPoolId: string | null;
  readonly recipient: Contact;
  /** The id of a sender; null if no sender was chosen. */
  readonly chosen: string | null;
  readonly candidates: readonly Candidate[];
  /** Senders that are not candidates. */
  readonly removed: readonly { readonly senderId: string; readonly reason: string }[];
  /** How many senders each reason has removed. */
  readonly removedCounts: readonly { readonly reason: string; readonly count: number }[];
  readonly at: Date;
}

/** The order of the senders for a message, and the sender of the last attempt. */
export interface MessageDecision extends ExplainedDecision {
  readonly messageId: string;
}

/** What a request would do. */
export interface MessageExplanation {
  readonly results: readonly ExplainedDecision[];
  /** The part of the recipients, 0 to 1, that each sender would reach. */
  readonly spread: readonly { readonly senderId: string; readonly share: number }[];
  /** When the last message would leave; null if none would leave. */
  readonly eta: Date | null;
}

/** A person at one address who gets nothing from the pool; without `senderPoolId`, nothing from the account. */
export interface OptOut extends MessageAddress {
  readonly id: string;
  readonly senderPoolId: string | null;
  readonly createdAt: Date;
}

/** How many kept senders and opt-outs of a person were erased. */
export interface Forgotten {
  readonly keptSenders: number;
  readonly optOuts: number;
}

export interface OptOutPage extends Page {
  readonly optOuts: readonly OptOut[];
}

// --- parameters

export interface ListOptOuts extends Paging, Partial<MessageAddress> {
  readonly senderPoolId?: string | undefined;
}

/** Who opts out, and of which pool; without one, of the whole account. */
export interface CreateOptOut extends MessageAddress {
  readonly senderPoolId?: string | undefined;
}

/** Whom to forget: on one channel, or on all; with the opt-outs, or without. */
export interface ForgetRecipient {
  readonly address: string;
  readonly channel?: MessageAddress["channel"] | undefined;
  readonly optOuts?: boolean | undefined;
}
