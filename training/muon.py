"""The update rules of training: Muon for weight matrices, Adam for everything else.

Muon replaces a matrix's momentum by the nearest matrix with all singular values near one, so that rare directions (a small house among
large skies) move as far as common ones. Its length is matched to what Adam's would be, so both share one learning rate.
"""
import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix, iterations=5):
    """A matrix with the same singular vectors and singular values of about one, by a quintic Newton-Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon:
    """The state of one weight of two or more dimensions."""

    def __init__(self, parameter, momentum=.95):
        self.parameter, self.momentum = parameter, momentum
        self.average = torch.zeros_like(parameter)

    def step(self, gradient, rate):
        self.average.lerp_(gradient, 1 - self.momentum)
        ahead = gradient.lerp(self.average, self.momentum).flatten(1)
        update = orthogonalise(ahead)
        self.parameter.add_(update.view_as(self.parameter), alpha=-rate * .2 * max(update.shape) ** .5)


class Adam:
    def __init__(self, parameter, betas=(.9, .99)):
        self.parameter, self.betas, self.steps = parameter, betas, 0
        self.mean, self.square = torch.zeros_like(parameter), torch.zeros_like(parameter)

    def step(self, gradient, rate):
        first, second = self.betas
        self.steps += 1
        self.mean.lerp_(gradient, 1 - first)
        self.square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (self.square / (1 - second ** self.steps)).sqrt_().add_(1e-8)
        self.parameter.addcdiv_(self.mean, scale, value=-rate / (1 - first ** self.steps))
