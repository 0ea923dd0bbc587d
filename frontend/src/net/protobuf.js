// The part of the protobuf runtime that this page uses, in one place: the
// generated modules import from here, so nothing else of it is loaded.
export { create } from "@bufbuild/protobuf/create.js";
export { toBinary } from "@bufbuild/protobuf/to-binary.js";
export { fromBinary } from "@bufbuild/protobuf/from-binary.js";
export { fileDesc } from "@bufbuild/protobuf/codegenv2/file.js";
export { messageDesc } from "@bufbuild/protobuf/codegenv2/message.js";
export { enumDesc, tsEnum } from "@bufbuild/protobuf/codegenv2/enum.js";
export { serviceDesc } from "@bufbuild/protobuf/codegenv2/service.js";
export { file_google_protobuf_any } from "@bufbuild/protobuf/wkt/google/protobuf/any_pb.js";
export { file_google_protobuf_duration } from "@bufbuild/protobuf/wkt/google/protobuf/duration_pb.js";
export { file_google_protobuf_struct } from "@bufbuild/protobuf/wkt/google/protobuf/struct_pb.js";
export { file_google_protobuf_timestamp } from "@bufbuild/protobuf/wkt/google/protobuf/timestamp_pb.js";
