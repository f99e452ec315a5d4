"""`yijian verify`: a second engine looks again at a share of the decisions."""
