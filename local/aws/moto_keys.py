"""Keys of moto's KMS that are the same after a restart: what was encrypted before can still be decrypted.

The server keeps nothing, but PostgreSQL keeps data keys that only it opens.
"""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

MATERIAL_TAG = "llmo:key-material"
"""A tag of a new key: what its id and its material are made of."""


def keep() -> None:
    """Put this into moto. It is imported here alone: whoever wants the tag's name need not wait for moto."""
    from moto.kms.models import KmsBackend  # noqa: PLC0415 - see above

    KmsBackend.create_key = _lasting(KmsBackend.create_key)  # type: ignore[method-assign]


def _lasting(create_key: Callable[..., Any]) -> Callable[..., Any]:
    def create_lasting_key(backend: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - moto's own
        key = create_key(backend, *arguments, **options)
        material = backend.tagger.get_tag_dict_for_resource(key.id).get(MATERIAL_TAG)
        return key if material is None else _renamed(backend, key, material)

    return create_lasting_key


def _renamed(backend: Any, key: Any, material: str) -> Any:  # noqa: ANN401 - moto's own
    """The key with an id and with material of its own; moto's ciphertexts name the id."""
    tags = backend.tagger.get_tag_dict_for_resource(key.id)
    del backend.keys[key.id]
    backend.tagger.delete_all_tags_for_resource(key.id)
    key.key_material = hashlib.sha256(f"material {material}".encode()).digest()
    old, key.id = key.id, str(uuid.UUID(bytes=hashlib.sha256(f"id {material}".encode()).digest()[:16], version=4))
    key.arn = key.arn.replace(old, key.id)
    backend.keys[key.id] = key
    shown = [{"TagKey": name, "TagValue": value} for name, value in tags.items() if name != MATERIAL_TAG]
    backend.tagger.tag_resource(key.id, shown)
    return key
