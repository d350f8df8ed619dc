"""The whole training, one command: python -m training.run

Every stage leaves its result in training/runs/ and is skipped when that is there; the long ones, of the autoencoder and the UNets, leave a
snapshot every four minutes until they are done. So a broken run goes on where it stopped; delete a file to repeat its stage and those after
it. Times are wall clock for the machine to itself; the defaults start from nothing and end with three models: text to picture, edit, inpaint.
"""
import argparse
import pathlib

import numpy as np
import torch

from . import checkpoint, dataset, export, model, tokens, train_text, train_unet, train_vae
from .model.vae import unfold_trunk
from .run_tasks import EditRun, InpaintRun
from .stages import Snapshot, Stages, replace

TRAINING_SET = 1
WHITENING_PICTURES, TEST_PICTURES = 160, 64


class Run(Stages):
    """The text-to-picture model."""

    STAGES = ("pictures.npy", "vocabulary.npy", "captions.npy", "vae_joint.pt", "vae_white.pt", "latents.npy", "text.pt", "unet.pt", "vae.pt")

    def pictures(self):
        dataset.render_set(self.path("pictures.part.npy"), TRAINING_SET, self.chunks(), self.options.processes)
        self.path("pictures.part.npy").rename(self.path("pictures.npy"))

    def vocabulary(self):
        np.save(self.path("vocabulary.npy"), np.array(dataset.vocabulary(), np.int32))

    def captions(self):
        dataset.caption_set(self.path("captions.npy"), TRAINING_SET, self.chunks(), self.options.processes)

    def vae_joint(self):
        pictures, vae = self.load_pictures(), train_vae.new_autoencoder()
        if self.start:
            vae.load_state_dict(unfold_trunk(self.started(checkpoint.VAE)))
            if not self.options.vae_seconds:
                replace(self.path("vae_joint.pt"), vae.state_dict())
                return None
        with Snapshot(self.path("vae_snapshot.pt"), vae=vae) as snapshot:
            summary = train_vae.joint(pictures[:-TEST_PICTURES], vae, self.options.vae_seconds, log=self.path("vae.jsonl"), save=snapshot.save,
                                      processes=self.options.processes, start=snapshot.seconds)
            replace(self.path("vae_joint.pt"), vae.state_dict())
        return dict(summary, psnr=train_vae.mean_psnr(vae, pictures[-TEST_PICTURES:]))

    def vae_white(self):
        vae = train_vae.new_autoencoder(self.path("vae_joint.pt"))
        summary = train_vae.whiten(vae, self.load_pictures()[:WHITENING_PICTURES])
        replace(self.path("vae_white.pt"), vae.state_dict())
        return summary

    def latents(self):
        vae = train_vae.new_autoencoder(self.path("vae_white.pt"))
        np.save(self.path("latents.npy"), train_vae.encode(self.load_pictures()[:self.options.latents], vae, self.options.processes))

    def text(self):
        vocabulary = self.load_vocabulary()
        text = train_unet.new_networks(vocabulary)[1]
        if self.start:
            text.load_state_dict(tokens.compacted(self.started(checkpoint.TEXT), vocabulary))
            summary = {}
        else:
            summary = train_text.pretrain(text, vocabulary, model.TEXT["width"], self.options.text_seconds, log=self.path("text.jsonl"),
                                          processes=self.options.processes)
        replace(self.path("text.pt"), text.state_dict())
        return summary

    def unet(self):
        vocabulary = self.load_vocabulary()
        unet, text = train_unet.new_networks(vocabulary)
        text.load_state_dict(torch.load(self.path("text.pt")))
        if self.start:
            unet.load_state_dict(self.started(checkpoint.UNET))
        latents = np.load(self.path("latents.npy"))
        captions = vocabulary.rows(np.load(self.path("captions.npy"))[:len(latents)].astype(np.int64))
        with Snapshot(self.path("unet_snapshot.pt"), unet=unet, text=text) as snapshot:
            summary = train_unet.train(latents, captions, dataset.emphases(dataset.caption_emphasis, TRAINING_SET, len(latents)), vocabulary, unet, text,
                                       self.options.unet_seconds, log=self.path("unet.jsonl"), save=snapshot.save, processes=self.options.processes,
                                       start=snapshot.seconds)
            replace(self.path("unet.pt"), dict(unet=unet.state_dict(), text=text.state_dict()))
        return summary

    def vae(self):
        pictures, latents = self.load_pictures(), np.load(self.path("latents.npy"))
        vae = train_vae.new_autoencoder(self.path("vae_white.pt"))
        emphases = dataset.emphases(dataset.detail_emphasis, TRAINING_SET, len(latents))
        summary = train_vae.finish(pictures[:len(latents)], latents, emphases, vae, self.options.finish_seconds, log=self.path("finish.jsonl"),
                                   processes=self.options.processes)
        replace(self.path("vae.pt"), vae.state_dict())
        return dict(summary, psnr=train_vae.mean_psnr(vae, pictures[-TEST_PICTURES:]))

    def chunks(self):
        return -(-self.options.pictures // dataset.CHUNK)

    def load_pictures(self):
        return np.load(self.path("pictures.npy"), mmap_mode="r")


def make_base(options):
    run = Run(options, pathlib.Path(options.runs), checkpoint.read_stored(options.start) if options.start else None)
    run.all()
    trained = torch.load(run.path("unet.pt"))
    tensors = export.pack(trained["unet"], trained["text"], torch.load(run.path("vae.pt")), run.load_vocabulary())
    export.write(options.out, tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="training/runs")
    parser.add_argument("--out", default="models/papercut.safetensors", help="the edit and the inpaint model go beside it, as NAME-edit and NAME-inpaint")
    parser.add_argument("--start", help="a model of the same layout to go on from, instead of from nothing")
    parser.add_argument("--tasks-only", action="store_true", help="--out is there and stays; make the edit and the inpaint model of it")
    parser.add_argument("--processes", type=int, default=2, help="one for each processor core")
    parser.add_argument("--pictures", type=int, default=20000)
    parser.add_argument("--latents", type=int, default=12000, help="how many of the pictures the UNet sees")
    parser.add_argument("--vae-seconds", type=float, default=3600, help="0 keeps the autoencoder of --start")
    parser.add_argument("--text-seconds", type=float, default=60)
    parser.add_argument("--unet-seconds", type=float, default=7200)
    parser.add_argument("--finish-seconds", type=float, default=600)
    parser.add_argument("--edit-scenes", type=int, default=2400, help="each is encoded with three edits")
    parser.add_argument("--instruction-seconds", type=float, default=300, help="the edit model's text encoder")
    parser.add_argument("--edit-seconds", type=float, default=3000, help="0: no edit model")
    parser.add_argument("--inpaint-scenes", type=int, default=2800, help="each is encoded with four holes")
    parser.add_argument("--inpaint-seconds", type=float, default=1500, help="0: no inpaint model")
    options = parser.parse_args()
    if not options.tasks_only:
        if not options.vae_seconds and not options.start:
            parser.error("--vae-seconds 0 keeps the autoencoder of --start, and there is none")
        make_base(options)
    for task, make, seconds in (("edit", EditRun, options.edit_seconds), ("inpaint", InpaintRun, options.inpaint_seconds)):
        if seconds:
            out = pathlib.Path(options.out)
            run = make(options, pathlib.Path(options.runs) / task, checkpoint.read_stored(out))
            run.all()
            run.write(out.with_name(f"{out.stem}-{task}{out.suffix}"))


if __name__ == "__main__":
    main()
