#include "runner/storage/record_texts.h"

namespace runner {
namespace {

size_t Bytes(const flatbuffers::String* text) {
  return text == nullptr ? 0 : text->size();
}

template <typename Values>
size_t NameBytes(const Values* values) {
  size_t bytes = 0;
  if (values == nullptr) return bytes;
  for (const schemas::NamedValue* value : *values) {
    bytes += Bytes(value->name());
  }
  return bytes;
}

size_t PassBytes(const schemas::Response& table) {
  size_t bytes = 0;
  if (table.passes() == nullptr) return bytes;
  for (const schemas::Pass* pass : *table.passes()) {
    bytes += Bytes(pass->name()) + Bytes(pass->output()) +
             Bytes(pass->reasoning()) + NameBytes(pass->metrics());
  }
  return bytes;
}

}  // namespace

size_t TextBytes(const schemas::AttemptStart& table) {
  return Bytes(table.key()->id());
}

size_t TextBytes(const schemas::Response& table) {
  return Bytes(table.key()->id()) + Bytes(table.output()) +
         Bytes(table.reasoning()) + NameBytes(table.metrics()) +
         NameBytes(table.worker_scores()) + Bytes(table.metadata_json()) +
         Bytes(table.finish_reason()) + PassBytes(table);
}

size_t TextBytes(const schemas::Score& table) {
  return Bytes(table.key()->id()) + Bytes(table.scoring_hash()) +
         NameBytes(table.scores()) + Bytes(table.extracted());
}

size_t TextBytes(const schemas::AttemptError& table) {
  return Bytes(table.key()->id()) + Bytes(table.type()) +
         Bytes(table.message()) + Bytes(table.context_json());
}

}  // namespace runner
