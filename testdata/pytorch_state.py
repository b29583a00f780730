#!/usr/bin/env python3
"""Writes a state that PyTorch made, and what its network answers: pytorch_state.safetensors.

Run: python3 testdata/pytorch_state.py   (needs torch and safetensors)
"""
from pathlib import Path

import torch
from safetensors.torch import save_file

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
x = torch.randn(4, 3)
state = {**net.state_dict()}
save_file(state, Path(__file__).with_name("pytorch_state.safetensors"))
y = net(x).detach()
save_file({"x": x, "y": y}, Path(__file__).with_name("pytorch_answers.safetensors"))
