// Branches, block barriers, fences and ends.
#include "cuda/ptx/decoder.h"

namespace ptx {

void decode_branch(Decoder& d) {
  d.words.take("uni");
  d.expect_arguments(1);
  d.out.action = Action::branch;
  d.out.target = d.symbols.label(d.argument(0));
}

void decode_branch_table(Decoder& d) {
  d.words.take("uni");
  if (!d.words.take("idx")) {
    refuse("branch");
  }
  d.expect_arguments(2);
  d.out.action = Action::branch_table;
  d.out.from[0] = d.symbols.value(d.argument(0), 32);
  d.out.target = d.symbols.table(d.argument(1));
}

/// bar.sync 0; bar.red.{popc,and,or}; bar.warp.sync mask. Named and partial barriers are not known.
void decode_barrier(Decoder& d) {
  Words& words = d.words;
  words.drop({"cta", "aligned"});
  if (words.take("warp")) {
    if (!words.take("sync")) {
      refuse("barrier");
    }
    d.expect_arguments(1);
    d.out.action = Action::warp_barrier;
    d.out.from[0] = d.symbols.value(d.argument(0), 32);
    return;
  }
  const bool reduces = words.take("red");
  if (!reduces && !words.take("sync")) {
    refuse("barrier");
  }
  const std::size_t id = reduces ? 1 : 0;
  if (d.symbols.number(d.argument(id)) != 0) {
    refuse("a barrier other than number 0");
  }
  if (d.arguments.size() != (reduces ? 3 : 1)) {
    refuse("a barrier of a part of the block");
  }
  d.out.action = Action::barrier;
  if (reduces) {
    const std::string_view kind = words.take_one({"popc", "and", "or"});
    d.out.action = kind == "popc" ? Action::barrier_count : kind == "and" ? Action::barrier_and : Action::barrier_or;
    const Type type = d.type();
    if (kind.empty() || (type.kind == 'p') != (kind != "popc")) {
      refuse("reduction");
    }
    if (type.kind == 'p') {
      d.out.to_predicate[0] = d.symbols.predicate_destination(d.argument(0));
    } else {
      d.out.to[0] = d.symbols.destination(d.argument(0), 32);
    }
    d.out.from_predicate[0] = d.symbols.predicate(d.argument(2));
  }
}

/// Memory fences order nothing that this machine lets happen out of order; launches of one stream follow each other.
void decode_nothing(Decoder& d) {
  if (d.words.name == "griddepcontrol") {
    d.words.drop({"wait", "launch_dependents"});
  } else if (d.words.name == "nanosleep") {
    d.words.take("u32");
  } else {
    d.words.drop({"sc", "acq_rel", "cta", "gpu", "sys", "gl"});
  }
  d.out.action = Action::nothing;
}

void decode_leave(Decoder& d) {
  d.words.take("uni");
  d.out.action = Action::leave;
}

void decode_trap(Decoder& d) { d.out.action = Action::trap; }

}  // namespace ptx
