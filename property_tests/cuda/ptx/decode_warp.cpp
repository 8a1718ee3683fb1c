// Operations that the lanes of a mask do together.
#include "cuda/ptx/decoder.h"

namespace ptx {
namespace {

void require_sync(Words& words) {
  if (!words.take("sync")) {
    refuse("a warp operation without .sync");
  }
}

}  // namespace

/// from: value, lane, clamp and segment, mask.
void decode_shuffle(Decoder& d) {
  require_sync(d.words);
  const std::string_view mode = d.words.take_one({"up", "down", "bfly", "idx"});
  if (mode.empty() || d.type().bits != 32) {
    refuse("shuffle");
  }
  d.expect_arguments(5);
  d.out.action = mode == "up" ? Action::shuffle_up : mode == "down" ? Action::shuffle_down : mode == "bfly" ? Action::shuffle_butterfly : Action::shuffle_index;
  d.out.to[0] = d.symbols.destination(d.result(0), 32);
  d.out.to_predicate[0] = d.symbols.predicate_destination(d.result(1));
  for (std::size_t i = 0; i < 4; ++i) {
    d.out.from[i] = d.symbols.value(d.argument(i + 1), 32);
  }
}

/// from[0]: mask.
void decode_vote(Decoder& d) {
  require_sync(d.words);
  const std::string_view mode = d.words.take_one({"all", "any", "uni", "ballot"});
  const Type type = d.type();
  if (mode.empty() || (mode == "ballot" ? type.bits != 32 : type.kind != 'p')) {
    refuse("vote");
  }
  d.expect_arguments(3);
  d.out.action = mode == "all" ? Action::vote_all : mode == "any" ? Action::vote_any : mode == "uni" ? Action::vote_uniform : Action::vote_ballot;
  if (mode == "ballot") {
    d.out.to[0] = d.symbols.destination(d.argument(0), 32);
  } else {
    d.out.to_predicate[0] = d.symbols.predicate_destination(d.argument(0));
  }
  d.out.from_predicate[0] = d.symbols.predicate(d.argument(1));
  d.out.from[0] = d.symbols.value(d.argument(2), 32);
}

/// from: value, mask.
void decode_match(Decoder& d) {
  require_sync(d.words);
  const std::string_view mode = d.words.take_one({"any", "all"});
  const Type type = d.type();
  if (mode.empty() || type.kind != 'b') {
    refuse("match");
  }
  d.expect_arguments(3);
  d.out.action = mode == "any" ? Action::match_any : Action::match_all;
  d.out.type = type;
  d.out.to[0] = d.symbols.destination(d.result(0), 32);
  d.out.to_predicate[0] = d.symbols.predicate_destination(d.result(1));
  d.out.from[0] = d.symbols.value(d.argument(1), type.bits);
  d.out.from[1] = d.symbols.value(d.argument(2), 32);
}

void decode_reduce(Decoder& d) {
  require_sync(d.words);
  d.out.combination = take_combination(d.words);
  d.out.type = d.type();
  d.expect_arguments(3);
  if (d.out.type.bits != 32 || d.out.type.kind == 'f' || d.out.combination > Combination::bit_xor) {
    refuse("reduction");
  }
  d.out.action = Action::reduce;
  d.out.to[0] = d.symbols.destination(d.argument(0), 32);
  d.out.from[0] = d.symbols.value(d.argument(1), 32);
  d.out.from[1] = d.symbols.value(d.argument(2), 32);
}

void decode_active_mask(Decoder& d) {
  d.type();
  d.out.action = Action::active_mask;
  d.out.to[0] = d.symbols.destination(d.argument(0), 32);
}

}  // namespace ptx
