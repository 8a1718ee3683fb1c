/// Experiment `mnist-transport`: report 003, section 5.

#include "mnist_transport.h"

#include <fmt/format.h>

#include <iostream>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/measures/cifar10.h"
#include "slicecheck/measures/image_folder.h"
#include "summary.h"

namespace slicecheck {

namespace {

using namespace transport_mnist;

/// CIFAR-10's files where the user has them, and what is to be said where not.
std::optional<std::filesystem::path> cifar10_folder(const ExperimentContext& context, std::string& why) {
  const std::string named = context.settings.word("cifar10");
  const std::filesystem::path folder = named.empty() ? context.data / "cifar10/cifar-10-batches-bin" : std::filesystem::path(named);
  const auto missing = missing_cifar10_file(folder);
  if (!missing) return folder;
  why = fmt::format(
      "not run: {} is missing. {}scripts/fetch_data.sh --cifar10 (170 MB) puts it there; --set cifar10=FOLDER takes another folder with data_batch_1.bin.",
      missing->string(), named.empty() ? "" : "Without this setting the folder is data/cifar10/cifar-10-batches-bin: ");
  return std::nullopt;
}

void write_real(const Pictures& pictures, const ExperimentContext& context) {
  const Index side = context.settings.integer_at_least("figure_side", 1);
  const IdxImages images =
      images_from_points<float>(pictures.images->sample<float>({context.seed, Purpose::figure, 1, 0}, side * side), pictures.rows, pictures.columns);
  write_idx_images(context.folder / (pictures.colour ? "real-cifar10.idx" : "real-mnist.idx"), pictures.colour ? luma_of_planes(images) : images);
}

void run_mnist_transport(const ExperimentContext& context) {
  const Settings& s = context.settings;
  Results results;
  const auto folder = cifar10_folder(context, results.cifar10);
  check_settings(s, folder.has_value());
  if (!folder) {
    for (const std::string& word : s.words("cifar10_arms")) results.cifar10_names.push_back(training_name(word));
    std::cout << fmt::format("{}: CIFAR-10 {}\n", context.folder.filename().string(), results.cifar10);
  }
  if (const auto missing = missing_mnist(context.data)) {
    write_not_run(context, "Regularised transport on images", "Report 003, section 5.",
                  fmt::format("not run: MNIST is not there: {} is missing; scripts/fetch_data.sh puts it there. CIFAR-10: {}", missing->string(),
                              folder ? "not run without MNIST." : results.cifar10));
    return;
  }
  std::optional<PictureFiles> colour;
  if (folder) colour = read_cifar10_files(*folder);
  results.pictures.push_back(mnist_pictures(context, read_mnist(context.data)));
  if (colour) results.pictures.push_back(cifar10_pictures(context, std::move(*colour)));
  for (const auto& pictures : results.pictures) {
    write_real(*pictures, context);
    for (const std::string& word : s.words(pictures->colour ? "cifar10_arms" : "arms"))
      for (Index r = 0; r < s.integer_at_least("replicates", 1); ++r)
        results.entries.push_back(make_entry(pictures, word, static_cast<std::uint32_t>(r), context));
  }
  for (const auto& pictures : results.pictures) {  // trainings of one kind of images start alike
    std::vector<TwoPlayerArm> arms;
    for (const Entry& entry : results.entries)
      if (entry.pictures == pictures) arms.push_back(entry.arm);
    for (const std::string& hash : common_hashes(arms)) results.hashes.push_back(fmt::format("{}, {}", pictures->name, hash));
    for (auto& record : run_two_player_arms(arms, context)) results.records.push_back(std::move(record));
  }
  std::vector<TwoPlayerArm> arms;
  for (const Entry& entry : results.entries) arms.push_back(entry.arm);
  write_two_player_rows(arms, results.records, context.folder);
  write_tables(results, context);
  Json summary{{"name", "mnist-transport"}, {"profile", context.profile}, {"seed", context.seed}};
  summary.update(summarise(results, context));
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment mnist_transport(std::string quick, std::string full) {
  return {"mnist-transport", "Regularised transport with neural potentials on MNIST (report 003, section 5)", std::move(quick), std::move(full),
          run_mnist_transport};
}

}  // namespace slicecheck
