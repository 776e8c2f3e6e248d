"""fit: train a pose network, evaluate it as it learns, and keep what is worth keeping."""

from pathlib import Path

import torch

from hrpose.models.device import as_device
from hrpose.train.check import check_data, learn_spec
from hrpose.train.config import FitConfig, Optim, Precision, Schedule
from hrpose.train.kinds import Learner, PoseData
from hrpose.train.trainer import FitResult, Trainer


def fit(
    model: Learner,
    train_data: PoseData,
    val_data: PoseData | None = None,
    *,
    output: str | Path,
    epochs: int = 10,
    batch_size: int = 32,
    accumulate: int = 1,
    lr: float = 1e-3,
    optimizer: Optim = "adamw",
    weight_decay: float = 0.01,
    layer_decay: float = 1.0,
    schedule: Schedule = "cosine",
    warmup: int = 0,
    milestones: tuple[float, ...] = (0.8, 0.95),
    drop: float = 0.1,
    clip_grad: float | None = None,
    amp: bool | None = None,
    precision: Precision | None = None,
    ema: float | None = None,
    grad_checkpointing: bool = False,
    compile: bool = False,
    on_device: bool = False,
    evaluate_every: int = 1,
    flip_test: bool = True,
    seed: int = 0,
    workers: int = 0,
    device: str | torch.device | None = None,
    resume: bool = True,
    progress: bool = True,
) -> FitResult:
    """Train `model` on people in boxes, or on whole pictures of people or instances; evaluate it on others.

    `output` receives best/ and last/ (config.json and model.safetensors each), log.jsonl, and the state from
    which the same call goes on after a kill, from the last finished epoch, as if it had never stopped.

    Args:
        model: trained in place; a model without a spec takes over the data's.
        train_data: with augmentation, if wanted; its seed makes the run repeatable.
        val_data: without augmentation; None keeps the weights of the lowest training loss.
        epochs, batch_size, lr and all others down to workers: see `FitConfig`, which lists and checks them.
        device: None takes CUDA where there is one.
        resume: False begins again, whatever `output` holds.
        progress: show a bar.
    Returns: the history and where the weights are; `model` holds those of the last epoch.
    Raises: DataError for empty data; ConfigError for a setting without meaning, or data that do not fit the
        model; TrainingError for a loss that is not finite, or if `output` holds another run.
    """
    config = FitConfig(
        epochs=epochs,
        batch_size=batch_size,
        accumulate=accumulate,
        lr=lr,
        optimizer=optimizer,
        weight_decay=weight_decay,
        layer_decay=layer_decay,
        schedule=schedule,
        warmup=warmup,
        milestones=milestones,
        drop=drop,
        clip_grad=clip_grad,
        amp=amp,
        precision=precision,
        ema=ema,
        grad_checkpointing=grad_checkpointing,
        compile=compile,
        on_device=on_device,
        evaluate_every=evaluate_every,
        flip_test=flip_test,
        seed=seed,
        workers=workers,
    )
    check_data(model, train_data, "the training data")
    if val_data is not None:
        check_data(model, val_data, "the data to evaluate on")
    learn_spec(model, train_data)
    chosen = as_device(device)
    trainer = Trainer(model, train_data, val_data, config, chosen, Path(output), progress=progress)
    with torch.random.fork_rng([chosen] if chosen.type == "cuda" else []):  # the caller's stay as they were
        return trainer.run(resume=resume)
