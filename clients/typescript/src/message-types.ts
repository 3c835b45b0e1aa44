/** Results and parameters of calls about messages and the inbox: plain objects with the API's field names. */

import type { Channel, Content, Created, Page, Paging, Tags, Time } from "./types.js";

export type MessageChannel = "SMS" | "RCS" | "WHATSAPP";
export type MessageOperationStatus = "SCHEDULED" | "PROCESSING" | "COMPLETED" | "CANCELED";
export type MessageStatus =
  | "SCHEDULED"
  | "QUEUED"
  | "SENT"
  | "DELIVERED"
  | "READ"
  | "UNDELIVERED"
  | "FAILED"
  | "CANCELED"
  | "INBOUND"
  | "GROUP";

// --- results

/** Counts of messages: `total` is the sum of the nine counters from `scheduled` on. */
export interface MessageStats {
  readonly total: number;
  readonly recipients: number;
  readonly attempts: number;
  readonly scheduled: number;
  readonly queued: number;
  readonly sent: number;
  readonly delivered: number;
  readonly read: number;
  readonly undelivered: number;
  readonly failed: number;
  readonly canceled: number;
  readonly unaddressable: number;
}

/** The operation of one request that sends messages. COMPLETED and CANCELED are final: everything was tried. */
export interface MessageOperation {
  readonly id: string;
  readonly status: MessageOperationStatus;
  readonly stats: MessageStats;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An address and its channel: PHONE or WHATSAPP for people; SMS, RCS or WHATSAPP for senders. */
export interface Contact {
  readonly address: string;
  readonly channel: MessageChannel | "PHONE";
}

/** The sender; before one is chosen, only the pool that the request names. Of an inbound message, the person. */
export interface MessageFrom extends Partial<Contact> {
  readonly senderId?: string;
  readonly senderPoolId?: string;
}

/** The recipient. Of an inbound message, the sender that it came to, with its id. */
export interface MessageTo extends Contact {
  readonly senderId?: string;
}

/** The operation that a message belongs to, or that it is a retry of. */
export interface Related {
  readonly name: "OPERATION" | "RETRY_OF";
  readonly id: string;
  readonly uri: string;
}

/** What one request sends to one recipient. */
export interface Message {
  readonly id: string;
  /** Null before a sender is chosen, if no pool was named. */
  readonly from: MessageFrom | null;
  readonly to: readonly MessageTo[];
  readonly status: MessageStatus;
  readonly related: readonly Related[];
  readonly tags: Tags;
  readonly scheduledFor: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
}

/** One try to hand a message over. `id` is the message's id downstream, which `messages.seek` finds. */
export interface MessageAttempt {
  readonly id: string;
  readonly from: Contact & { readonly senderId: string };
  readonly to: readonly Contact[];
  readonly channel: MessageChannel;
  readonly senderId: string;
  readonly status: MessageStatus;
  readonly attemptedAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly infoUrl: string;
  readonly error: { readonly code: number; readonly message: string; readonly infoUrl: string } | null;
}

/** A message with its attempts, oldest first, and its content, rendered once it was sent. */
export interface FetchedMessage extends Message {
  readonly attempts: readonly MessageAttempt[];
  readonly content: Content;
}

/** A message of an operation that ended in an error. */
export interface OperationError {
  readonly messageId: string;
  readonly to: Contact;
  readonly code: number;
  readonly message: string;
  readonly infoUrl: string;
  readonly createdAt: Date;
}

/** A report about a message, also one that changed nothing. */
export interface Receipt {
  readonly to: Contact;
  readonly status: MessageStatus;
  readonly code: number | null;
  readonly connector: string;
  readonly createdAt: Date;
}

/** A message as it arrived. `codes` are the one-time codes found in its text, `links` the URLs. */
export interface InboxItem {
  readonly id: string;
  readonly downstreamId: string;
  readonly channel: MessageChannel;
  readonly from: Contact;
  readonly to: Contact;
  readonly cc: readonly Contact[];
  readonly bcc: readonly Contact[];
  readonly senderPoolId: string | null;
  readonly operationId: string | null;
  readonly subject: string | null;
  readonly text: string | null;
  readonly html: string | null;
  readonly media: readonly { readonly url: string }[];
  readonly attachments: readonly unknown[];
  readonly headers: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
  /** The encoding of an SMS and the number of its parts; null on other channels. */
  readonly segments: { readonly encoding: "GSM-7" | "UCS-2"; readonly count: number } | null;
  readonly codes: readonly string[];
  readonly links: readonly string[];
  readonly receivedAt: Date;
}

export interface MessagePage extends Page {
  readonly messages: readonly Message[];
}
export interface MessageOperationPage extends Page {
  readonly operations: readonly MessageOperation[];
}
export interface OperationErrorPage extends Page {
  readonly errors: readonly OperationError[];
}
export interface ReceiptPage extends Page {
  readonly receipts: readonly Receipt[];
}
export interface InboxPage extends Page {
  readonly items: readonly InboxItem[];
}

// --- parameters

export interface MessageAddress {
  readonly address: string;
  readonly channel: "PHONE" | "WHATSAPP";
}

/** A recipient: one address, or one person with several, tried in this order; and values for the Liquid. */
export type MessageRecipient = (MessageAddress | { readonly addresses: readonly MessageAddress[] }) & {
  readonly variables?: Readonly<Record<string, string>> | undefined;
};

/** Who sends: one sender, or the senders of a pool. */
export type MessageSender =
  | { readonly address: string; readonly channel: MessageChannel }
  | { readonly senderId: string }
  | {
      readonly senderPoolId: string;
      readonly channels?:
        | {
            readonly filterIn?: readonly Channel[] | undefined;
            readonly priority?: readonly { readonly channel: Channel; readonly priority: number }[] | undefined;
          }
        | undefined;
    };

/** A content and its recipients. */
export interface SendMessages {
  /** 1-10,000. */
  readonly to: readonly MessageRecipient[];
  readonly content: Content | { readonly contentId: string };
  /** Without it, all senders of the account may send. */
  readonly from?: MessageSender | undefined;
  /** One time; text without an offset is the local time of each recipient. */
  readonly schedule?: { readonly sendAt: readonly Time[] } | undefined;
  readonly tags?: Tags | undefined;
}

export interface ListMessages extends Created, Paging {
  readonly operationId?: string | undefined;
  readonly channel?: MessageChannel | undefined;
  readonly status?: MessageStatus | undefined;
  /** Only messages with all these tags. */
  readonly tags?: Tags | undefined;
}

export interface ListMessageOperations extends Created, Paging {
  readonly status?: MessageOperationStatus | undefined;
}

export interface InboxFilters {
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly channel?: MessageChannel | undefined;
  readonly operationId?: string | undefined;
  readonly messageId?: string | undefined;
  /** Compared in any case. */
  readonly contains?: string | undefined;
}

export interface ListInbox extends InboxFilters, Created, Paging {}

export interface WaitForItem extends InboxFilters {
  /** The id of an item, or a time: only what arrived after it, so that an old code is not taken for the new one. */
  readonly after?: Time | undefined;
  /** Seconds, whole, 1-60; 10 if absent. They are added to the timeout of the call. */
  readonly waitInSeconds?: number | undefined;
}

/** What the phone would report. `code`: why it was not delivered. */
export interface ReportItem {
  readonly status: "DELIVERED" | "UNDELIVERED" | "READ";
  readonly code?: number | undefined;
}
