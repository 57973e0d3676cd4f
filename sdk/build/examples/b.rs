fn main(){ let a:Vec<String>=std::env::args().collect(); let t=std::time::Instant::now();
let r=weft_build::build(a[1].as_ref(),&weft_build::BuildOptions{out:a.get(2).map(Into::into),target_dir:Some("/work/t/components".into()),..Default::default()});
match r {Ok(b)=>println!("{} {} {:?}",b.path.display(),b.size,t.elapsed()),Err(e)=>{println!("{e}");std::process::exit(1)}}}
