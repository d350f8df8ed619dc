"""Trains the UNets of the edit and the inpaint model, from that of the text-to-picture model, its text encoder frozen.

Both get the picture they work on as further latents beside the noisy ones. These channels start at zero, so training starts from what the model
said before; as latents of either kind have unit variance here, the new weights need no learning rate of their own (`export` divides the edit
model's by what its latents are larger than that).
"""
import torch

from . import diffusion, parallel, tokens
from .train_text import insert_unknown
from .train_unet import FULL_BATCH_FROM, UNKNOWN_SHARE, noise_loss

EMPTY_TEXT, EMPTY_PICTURE, EMPTY_BOTH = .05, .05, .05      # of the edit model's samples, for guidance along both (Brooks et al. 2023)
EMPTY_CAPTION = .10                                        # of the inpaint model's
CHANGED, CHANGED_FROM = 3.0, .25                           # weight of latent pixels that differ by so much on average; the rest can be copied
HOLE = 3.0                                                 # weight of latent pixels in the hole


class Words:
    """Instructions or captions, to states of the frozen text encoder."""

    def __init__(self, ids, vocabulary, text):
        self.rows, self.text = vocabulary.rows(ids.astype("int64")), text
        self.empty = torch.from_numpy(vocabulary.rows(tokens.Tokenizer().padded(""))).long()

    @torch.no_grad()
    def states(self, which, left_out, generator):
        """One wording of each; nothing where it is left out."""
        wordings = torch.randint(self.rows.shape[1], (len(which),), generator=generator)
        ids = insert_unknown(torch.from_numpy(self.rows[which.numpy(), wordings.numpy()]).long(), UNKNOWN_SHARE, generator)
        ids[left_out] = self.empty
        return self.text(ids)


def edit_sampler(edit_set, words):
    """count, generator -> (latents after, states, latents before, weights)"""
    latents, pairs = (torch.from_numpy(edit_set[name]) for name in ("latents", "pairs"))

    def sample(count, generator):
        which = torch.randint(len(pairs), (count,), generator=generator)
        before, after = (latents[pairs[which, side].long()].float() for side in (0, 1))
        changed = (after - before).abs().mean(1, keepdim=True) > CHANGED_FROM
        dice = torch.rand(count, generator=generator)
        no_text, no_picture = dice < EMPTY_TEXT + EMPTY_BOTH, (dice >= EMPTY_TEXT) & (dice < EMPTY_TEXT + EMPTY_BOTH + EMPTY_PICTURE)
        return after, words.states(which, no_text, generator), before * ~no_picture[:, None, None, None], 1 + (CHANGED - 1) * changed
    return sample


def inpaint_sampler(inpaint_set, words):
    """count, generator -> (latents, states, mask and latents of the picture with a hole, weights)"""
    latents, masked, masks = (torch.from_numpy(inpaint_set[name]) for name in ("latents", "masked", "masks"))

    def sample(count, generator):
        which = torch.randint(len(latents), (count,), generator=generator)
        holes = torch.randint(masks.shape[1], (count,), generator=generator)
        mask = masks[which, holes][:, None].float()
        no_text = torch.rand(count, generator=generator) < EMPTY_CAPTION
        return latents[which].float(), words.states(which, no_text, generator), torch.cat([mask, masked[which, holes].float()], 1), 1 + (HOLE - 1) * mask
    return sample


def train(sample, unet, seconds, rate, batch=24, log=None, save=None, save_every=240.0, processes=2, start=0.0):
    """batch is per process, halved until progress FULL_BATCH_FROM."""
    shares = diffusion.signal_shares()

    def loss_of(progress, generator):
        clean, states, condition, where = sample(batch if progress > FULL_BATCH_FROM else batch // 2, generator)
        return noise_loss(unet, shares, clean, states, generator, condition, where)

    return parallel.train(dict(unet=unet), loss_of, seconds, rate, processes=processes, average=.999, warm_up=100, seed=11 + int(start), log=log, every=25,
                          save=save, save_every=save_every, start=start)
