#include "apps/cli/model_choice.h"

namespace safelight::cli {

void add_model_options(Command& command, ModelChoice& choice, const std::string& otherwise) {
  command
      .add_option(
          "-m,--model", choice.model,
          "Model of Stable Diffusion 1, 2, XL or the XL refiner, or a UNet alone: a .safetensors file, an index\n"
          "of shards, or a folder of diffusers; or the name or hash of one in the models folder (safelight\n"
          "models lists them); without it, " +
              otherwise)
      .shown_as("PATH|NAME|HASH");
  command.add_option("--vae", choice.vae, "VAE to use, in place of the model's own or where it has none")
      .shown_as("PATH|NAME|HASH");
  command
      .add_option("--text-encoder", choice.text_encoders,
                  "Text encoder to use, likewise; may be repeated: which is which, their shapes tell")
      .shown_as("PATH|NAME|HASH");
  command
      .add_option("--variant", choice.variant,
                  "Which files of a diffusers folder to use, such as fp16; without it, the plain ones")
      .shown_as("NAME");
  command
      .add_option("--prediction", choice.prediction,
                  "What the model was trained to predict: noise, v, or automatic (what its file says)")
      .show_default();
  command.add_flag("--zero-terminal-snr", choice.zero_terminal_snr,
                   "The model's last training step was noise alone; without this, what its file says");
}

Model open_model(const ModelChoice& choice, const Context& context) {
  const std::filesystem::path path = named_model(choice.model, context, choice.shipped);
  ModelOptions options{.prediction = choice.prediction};
  if (choice.zero_terminal_snr) options.zero_terminal_snr = true;
  if (!choice.vae.empty()) options.vae = named_model(choice.vae, context, {});
  for (const std::string& name : choice.text_encoders) options.text_encoders.push_back(named_model(name, context, {}));
  options.variant = choice.variant;
  return Model::open(path, options, context);
}

}  // namespace safelight::cli
