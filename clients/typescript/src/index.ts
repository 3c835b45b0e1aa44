/** Client of Signalbox: senders, sender pools and their operations. */

export { type BehaviorOptions, Signalbox, type SignalboxOptions, TwilioClient, type TwilioClientOptions } from "./client.js";
export {
  ApiError,
  Bug,
  Conflict,
  ConnectionFailed,
  Forbidden,
  IdempotencyMismatch,
  Invalid,
  MethodNotAllowed,
  MissingCredentials,
  NotFound,
  OperationTimeout,
  PreconditionFailed,
  type Problem,
  SignalboxError,
  TooLarge,
  TooMany,
  Unauthenticated,
  Unavailable,
  UnexpectedAnswer,
  UnsupportedType,
} from "./errors.js";
export { Listing } from "./listing.js";
export { etagOf } from "./shapes.js";
export type * from "./decision-types.js";
export type * from "./message-types.js";
export type * from "./types.js";
