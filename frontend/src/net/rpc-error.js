import { fromBinary } from "app/net/protobuf.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "app/net/gen/google/rpc/error_details_pb.js";
import { secondsOf } from "app/net/convert.js";

/** A call that ended with a status other than OK; a Failure of core/errors.js. */
export class RpcError extends Error {
  /** @param {{ code: number, message: string, method: string, reason?: string, metadata?: Record<string, string>,
   *            fields?: { field: string, description: string }[], retryAfter?: number | null }} parts */
  constructor({ code, message, method, reason = "", metadata = {}, fields = [], retryAfter = null }) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.method = method;
    this.reason = reason;
    this.metadata = metadata;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  /**
   * @param {{ code: number, message: string, details: { typeUrl: string, value: Uint8Array }[] }} status
   * @param {string} method
   */
  static fromStatus({ code, message, details }, method) {
    const parts = { code, message, method };
    for (const { typeUrl, value } of details) Object.assign(parts, readDetail(typeUrl.split("/").pop(), value));
    return new RpcError(parts);
  }
}

function readDetail(/** @type {string | undefined} */ type, /** @type {Uint8Array} */ bytes) {
  if (type === ErrorInfoSchema.typeName) {
    const { reason, metadata } = /** @type {any} */ (fromBinary(ErrorInfoSchema, bytes));
    return { reason, metadata };
  }
  if (type === BadRequestSchema.typeName) {
    const { fieldViolations } = /** @type {any} */ (fromBinary(BadRequestSchema, bytes));
    return { fields: fieldViolations.map((/** @type {any} */ { field, description }) => ({ field, description })) };
  }
  if (type === RetryInfoSchema.typeName) return { retryAfter: secondsOf(/** @type {any} */ (fromBinary(RetryInfoSchema, bytes)).retryDelay) };
  return {};
}
