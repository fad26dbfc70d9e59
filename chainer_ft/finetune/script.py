"""A run as a Python script: Chainer's parts and chainer_ft's public names, nothing else."""

from __future__ import annotations

from chainer_ft.finetune import script_parts as parts
from chainer_ft.finetune.api import images_of
from chainer_ft.finetune.building import maker
from chainer_ft.finetune.contenders import chosen
from chainer_ft.finetune.head import find_head
from chainer_ft.finetune.inputs import augmentation_for
from chainer_ft.finetune.loop import val_size
from chainer_ft.finetune.result import RunResult
from chainer_ft.finetune.settings import Settings

_SCRIPT = '''\
"""The run of

    {command}

as a script: it gives the same weights, bit for bit."""

{imports}

# The images, split by class and seed.
photos = images.find({data!r}, {find})
prepare = {preprocessing}
{augment}train = images.Dataset(photos, "train", prepare{augmented}, seed={seed})
val = images.Dataset(photos, "val", prepare)

# The model, with the weights and a head for the new classes.
random.seed({seed})
numpy.random.seed({seed})
{model}
predictor = finetune.predictor(model, head.path)
with chainer.using_config("train", False):  # lazy parameters get their arrays
    predictor(numpy.zeros((2, *prepare.shape), "f"))
classifier = chainer.links.Classifier(predictor)
classifier.to_device({device!r})

# What trains when; the factors multiply the optimizer's learning rate.
schedule = {schedule}

optimizer = chainer.optimizers.{optimizer}
optimizer.setup(classifier)
{hook}updater = chainer.training.updaters.StandardUpdater(
    images.Batches(train, {batch}, seed={seed}{workers}), optimizer, device={device!r}
)
trainer = chainer.training.Trainer(updater, ({epochs}, "epoch"), out={out!r})
trainer.extend(ft.extensions.Schedule(schedule, model=model))
{curve}{cache}trainer.extend(
    extensions.Evaluator(
        images.Batches(val, {val_batch}, repeat=False, shuffle=False{workers}),
        classifier,
        device={device!r},
    )
)
trainer.extend(ft.extensions.WeightDrift(filename=None))
trainer.extend(extensions.LogReport())
trainer.extend(extensions.PrintReport({columns}))
trainer.extend(extensions.snapshot(filename="snapshot"))  # load_npz brings the trainer back to it
trainer.run()

ft.save({out!r} + "/model.npz", model)
'''
_COLUMNS = ["epoch", "phase", "main/loss", "main/accuracy", "validation/main/accuracy"]


def waits(settings: Settings) -> bool:
    """Whether a script needs what the run itself finds: a rate, or a scenario."""
    return settings.lr == "find" or (settings.scenario == "auto" and settings.schedule is None)


def script_of_run(settings: Settings, out: str, result: RunResult | None = None) -> str:
    """The script of the fine-tuned net of a run.

    Args:
        settings: What the run was told, as its folder keeps it.
        out: Folder that the script writes into.
        result: What came of the run; needed where :func:`waits` says so.

    Raises:
        UsageError: The model was a link, which nobody can name.
    """
    model = maker(settings.model)(True)
    head = find_head(model, path=settings.head).path
    if result is not None:
        lr, count = result.fine_tuned.lr, result.fine_tuned.score.count
        return script_of(settings, result.schedule, head, lr, out, val_size(settings, count))
    schedule = chosen(settings, model, head).schedule.to_yaml()
    batch = val_size(settings, len(images_of(settings).val))
    return script_of(settings, schedule, head, settings.base_lr, out, batch)


def script_of(
    settings: Settings, schedule: str, head: str, lr: float, out: str, val_batch: int
) -> str:
    """The script of the fine-tuned net of a run.

    Args:
        settings: What the run was told, preprocessing settled.
        schedule: Its schedule, as YAML.
        head: Path of the head.
        lr: Learning rate that the schedule's factors multiply.
        out: Folder that the script writes into.
        val_batch: Images in a batch for validation.

    Raises:
        UsageError: The model was a link; nobody can name it.
    """
    augmentation = augmentation_for(settings)
    drawn = "" if augmentation is None else f"augment = images.{augmentation!r}\n"
    return _SCRIPT.format(
        command=_quoted(settings.command or "ft.fine_tune"),
        imports="\n".join(parts.imports(settings)),
        data=settings.data,
        find=parts.find(settings),
        preprocessing=parts.preprocessing(settings),
        augment=drawn,
        augmented="" if augmentation is None else ", augment",
        seed=settings.seed,
        model="\n".join(parts.model(settings, head)),
        device=settings.device,
        schedule=parts.schedule(schedule),
        optimizer=parts.optimizer(settings, lr),
        hook=parts.hook(settings),
        batch=settings.batch_size,
        val_batch=val_batch,
        workers="" if settings.workers is None else f", workers={settings.workers}",
        epochs=settings.epochs,
        out=out,
        curve=parts.curve(settings),
        cache=parts.cache(settings),
        columns=_COLUMNS,
    )


def _quoted(text: str) -> str:
    """As it stands between three quotes."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole.replace("\\", "\\\\").replace('"', '\\"')
