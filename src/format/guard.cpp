#include "safelight/guard.h"

#include "format/safetensors_state.h"

namespace safelight {

MappingGuard::MappingGuard(const SafeTensors& file) : mapping_(FormatAccess::state(file).mapping) {
  if (mapping_) mapping_->watch().guard();
}

MappingGuard::~MappingGuard() {
  if (mapping_) mapping_->watch().unguard();
}

void MappingGuard::check() const {
  if (mapping_) mapping_->watch().check();
}

}  // namespace safelight
