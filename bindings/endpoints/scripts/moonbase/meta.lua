return META
