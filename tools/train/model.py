"""The heat map network: a small residual LinkNet (Chaurasia and Culurciello 2017; the paper's section 3.5).

The stem halves the resolution twice, so that most of the work is done on a sixteenth of the pixels; the
decoder climbs back to half of the input's resolution, which at 0.46 µm per pixel is 0.92 µm: fine enough for
centres that are right to a fraction of that by a parabola.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from tools.train.layout import CHANNELS, MEAN_GREY, STD_GREY, ModelParams


def _conv(n_in: int, n_out: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, size, stride, size // 2, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(True)
    )


class _Residual(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _conv(n_in, n_out, 3, stride)
        self.second = nn.Sequential(nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out))
        plain = stride == 1 and n_in == n_out
        self.shortcut: nn.Module = (
            nn.Identity()
            if plain
            else nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


class _Up(nn.Module):
    """Twice the resolution, through a bottleneck of a quarter of the channels."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        narrow = max(8, n_in // 4)
        self.squeeze = _conv(n_in, narrow, 1)
        self.grow = nn.Sequential(
            nn.ConvTranspose2d(narrow, narrow, 4, 2, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(True)
        )
        self.widen = _conv(narrow, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.widen(self.grow(self.squeeze(x)))
        return out


class LinkNet(nn.Module):
    """Normalised RGB (N, 3, H, W) in, heat maps (N, 2, H / 2, W / 2) out; H and W are multiples of 16.

    Parameters
    ----------
    params : ModelParams
        Its shape.
    channels : int
        Output channels: 2 for tumour and other nuclei, 3 where it is first taught to restore images.
    """

    def __init__(self, params: ModelParams, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        a, b, c = params.widths
        self.fine = _conv(3, a // 2, 3, 2)
        self.stem = _conv(a // 2, a, 3, 2)
        self.stage1 = self._stage(a, a, 1, params.blocks)
        self.stage2 = self._stage(a, b, 2, params.blocks)
        self.stage3 = self._stage(b, c, 2, params.blocks)
        self.up3 = _Up(c, b)
        self.up2 = _Up(b, a)
        self.up1 = _Up(a, a // 2)
        self.mix = _conv(a // 2, a // 2)
        self.head = nn.Conv2d(a // 2, channels, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        if self.head.bias is not None:
            nn.init.constant_(self.head.bias, 0.05)

    @staticmethod
    def _stage(n_in: int, n_out: int, stride: int, blocks: int) -> nn.Sequential:
        rest = [_Residual(n_out, n_out, 1) for _ in range(blocks - 1)]
        return nn.Sequential(_Residual(n_in, n_out, stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        """Return the heat maps; see the class."""
        fine = self.fine(x)
        quarter = self.stage1(self.stem(fine))
        eighth = self.stage2(quarter)
        up = self.up3(self.stage3(eighth)) + eighth
        up = self.up2(up) + quarter
        up = self.up1(up) + fine
        out: Tensor = self.head(self.mix(up))
        return out


class Packaged(nn.Module):
    """The network as it is shipped: uint8 RGB (N, H, W, 3) in, float32 heat maps out.

    The cast stands before the transposition: TensorRT takes no transposition of 8-bit integers.

    Parameters
    ----------
    net : LinkNet
        The trained network.
    """

    mean: Tensor

    def __init__(self, net: LinkNet) -> None:
        super().__init__()
        self.net = copy.deepcopy(net).eval()
        self.register_buffer("mean", torch.tensor(MEAN_GREY).view(1, 3, 1, 1))
        first = self.net.fine[0]
        assert isinstance(first, nn.Conv2d)
        with torch.no_grad():
            # The division by the spread goes into the first convolution; the mean cannot, for the sake of
            # the zeros that pad the border.
            first.weight /= torch.tensor(STD_GREY).view(1, 3, 1, 1)

    def forward(self, rgb: Tensor) -> Tensor:
        """Return the heat maps of a batch of uint8 images."""
        x = rgb.to(torch.float32).permute(0, 3, 1, 2)
        out: Tensor = self.net(x - self.mean)
        return out
