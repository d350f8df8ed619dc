// The names of the settings in a picture, for those who write and those who read them: A1111's where it has one.
#pragma once

#include <string_view>

namespace safelight::field {

inline constexpr std::string_view kSteps = "Steps", kSampler = "Sampler", kSchedule = "Schedule type",
                                  kCfg = "CFG scale", kSeed = "Seed", kSize = "Size", kRng = "RNG",
                                  kVersion = "Version";
inline constexpr std::string_view kSafelight = "Safelight";  // how our Version begins

inline constexpr std::string_view kModel = "Model", kModelHash = "Model hash", kVae = "VAE", kVaeHash = "VAE hash";

// Of the pass that starts from a picture: transform's, inpaint's, outpaint's, or generate's second.
inline constexpr std::string_view kStrength = "Denoising strength";
inline constexpr std::string_view kHiresUpscale = "Hires upscale", kHiresResize = "Hires resize",
                                  kHiresSteps = "Hires steps", kHiresUpscaler = "Hires upscaler";
inline constexpr std::string_view kMaskMode = "Mask mode", kMaskBlur = "Mask blur", kInpaintArea = "Inpaint area",
                                  kPadding = "Masked area padding", kMaskedContent = "Masked content";
inline constexpr std::string_view kNotMasked = "Inpaint not masked", kOnlyMasked = "Only masked";  // values
inline constexpr std::string_view kImageCfg = "Image CFG scale";

// Ours alone.
inline constexpr std::string_view kTextEncoder = "Text encoder", kVariant = "Variant", kPrecision = "Precision",
                                  kPrediction = "Prediction", kZeroTerminalSnr = "Zero terminal SNR",
                                  kGuidanceInterval = "Guidance interval", kCache = "Cache",
                                  kStartNoise = "Start noise", kResizeMode = "Resize mode", kComposite = "Composite",
                                  kOutpaint = "Outpaint", kOverlap = "Overlap";
inline constexpr std::string_view kOriginalSize = "Original size", kCrop = "Crop", kTargetSize = "Target size",
                                  kAestheticScore = "Aesthetic score",
                                  kNegativeAestheticScore = "Negative aesthetic score";

}  // namespace safelight::field
