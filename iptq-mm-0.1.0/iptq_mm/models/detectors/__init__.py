"""Integer backbones, necks and heads that an mmdet config names."""
